using Akka.Actor;
using Akka.Event;
using Akka.Streams;
using Akka.Streams.Dsl;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using static ImageClassifier.Web.Results.ResultListenerProtocol;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>Owns the stream from the response queue to the live batches. A response is deleted after all its results
/// were added to their batches. Otherwise it returns to the queue when its lease expires.</summary>
public sealed class ResultListenerActor : ReceiveActor, IWithTimers
{
    // The scaler and the sweeps reckon in seconds. A report for each call to a batch would be a third of the messages
    // between three web nodes.
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMilliseconds(100);

    private readonly IMessageQueue _responses;
    private readonly TimeProvider _time;
    private readonly ResultDelivery _delivery;
    private readonly IActorRef _scaler;
    private readonly IActorRef _openBatches;
    private readonly QueueSourceSettings _polling;
    private readonly AcknowledgementSettings _acknowledging;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<IActorRef> _drainers = [];

    /// <summary>The results since the last report, by instance and model.</summary>
    private readonly Dictionary<(InstanceId Instance, ModelIdentity? Model), JobsDone> _unreported = [];

    /// <summary>The latest acceptance of a batch with such a result.</summary>
    private DateTimeOffset? _latestSubmittedAt;
    private IQueueSourceControl _source = null!;

    /// <summary>Creates the actor.</summary>
    /// <param name="responses">The response queue.</param>
    /// <param name="batches">The parent of the live batches.</param>
    /// <param name="scaler">Gets a <c>JobsDone</c> for the results of each instance and model.</param>
    /// <param name="openBatches">Gets a <c>ResultReceived</c> for the results of each batch.</param>
    /// <param name="polling">How the queue is polled.</param>
    /// <param name="settings">How responses are deleted.</param>
    public ResultListenerActor(
        IMessageQueue responses,
        IActorRef batches,
        IActorRef scaler,
        IActorRef openBatches,
        QueueSourceSettings polling,
        ResultSettings settings)
    {
        _responses = responses;
        _time = new SchedulerTimeProvider(Context.System);
        var self = Self;
        _delivery = new ResultDelivery(
            batches, _time, (results, taken) => self.Tell(new ResultsAdded(results, taken.SubmittedAt)));
        _scaler = scaler;
        _openBatches = openBatches;
        _polling = polling;
        _acknowledging = new AcknowledgementSettings(settings.ListenerLinger);

        Receive<DrainListener>(_ =>
        {
            _drainers.Add(Sender);
            _source.Drain();
        });
        Receive<ResultsAdded>(OnResultsAdded);
        Receive<ReportDue>(_ => Report());
        Receive<StreamEnded>(OnStreamEnded);
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart()
    {
        var (source, ended) = QueueSource.Create(_responses, _polling, _time)
            .SelectAsyncUnordered(_polling.MaxInFlight, TakeAsync)
            .SelectMany(taken => taken)
            .Via(QueueAcknowledgement.Create(_responses, _acknowledging, _time))
            .ToMaterialized(Sink.Ignore<Acknowledged>(), Keep.Both)
            .Run(Context.System.Materializer());
        _source = source;
        ended.PipeTo(Self, success: _ => new StreamEnded(null), failure: cause => new StreamEnded(cause));
    }

    private async Task<IEnumerable<Acknowledgement>> TakeAsync(Delivery delivery)
    {
        if (ResultMessage.TryRead(delivery.Message.Body) is not { } results || !results.All(result => result.IsWhole()))
        {
            // After enough receives the queue moves it to the dead-letter queue.
            _log.Warning("A response is unreadable and goes back to the queue");
            return [new Acknowledgement(delivery, Settlement.HandBack)];
        }

        if (await _delivery.GiveAsync(results)) return [new Acknowledgement(delivery, Settlement.Delete)];

        // The batches that took their results drop them when the response returns.
        delivery.Release();
        return [];
    }

    /// <summary>Reports at once, or together with what follows within the interval.</summary>
    private void OnResultsAdded(ResultsAdded added)
    {
        foreach (var result in added.Results)
        {
            var source = (result.InstanceId, result.Model);
            var done = _unreported.GetValueOrDefault(source) ?? new JobsDone(result.InstanceId, 0) { Model = result.Model };
            _unreported[source] = done.With(result);
        }

        if (_latestSubmittedAt is not { } latest || added.SubmittedAt > latest) _latestSubmittedAt = added.SubmittedAt;
        if (!Timers.IsTimerActive(nameof(ReportDue))) Report();
    }

    private void Report()
    {
        if (_unreported.Count == 0) return;
        foreach (var done in _unreported.Values) _scaler.Tell(done);
        // Of several batches, the one that was accepted last says most about the request queue.
        if (_latestSubmittedAt is { } submittedAt) _openBatches.Tell(new ResultReceived(submittedAt));
        _unreported.Clear();
        _latestSubmittedAt = null;
        Timers.StartSingleTimer(nameof(ReportDue), ReportDue.Instance, ReportInterval);
    }

    private void OnStreamEnded(StreamEnded ended)
    {
        if (_drainers.Count == 0)
            throw new InvalidOperationException("The stream of responses ended without a drain.", ended.Cause);

        Report();
        foreach (var drainer in _drainers) drainer.Tell(ListenerDrained.Instance);
        Context.Stop(Self);
    }

    private sealed record StreamEnded(Exception? Cause);

    private sealed record ResultsAdded(IReadOnlyList<JobResult> Results, DateTimeOffset? SubmittedAt);

    private sealed record ReportDue
    {
        public static ReportDue Instance { get; } = new();
    }
}
