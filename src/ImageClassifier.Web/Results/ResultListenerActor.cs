using Akka.Actor;
using Akka.Event;
using Akka.Streams;
using Akka.Streams.Dsl;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Results.ResultListenerProtocol;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>Owns the stream from the response queue to the live batches. A response is deleted after its batch has
/// added the result. Otherwise it returns to the queue when its lease expires.</summary>
public sealed class ResultListenerActor : ReceiveActor
{

    private readonly IMessageQueue _responses;
    private readonly TimeProvider _time;
    private readonly ResultDelivery _delivery;
    private readonly IActorRef _scaler;
    private readonly IActorRef _openBatches;
    private readonly QueueSourceSettings _polling;
    private readonly AcknowledgementSettings _acknowledging;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<IActorRef> _drainers = [];
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
        _delivery = new ResultDelivery(batches, _time, OnTaken);
        _scaler = scaler;
        _openBatches = openBatches;
        _polling = polling;
        _acknowledging = new AcknowledgementSettings(settings.ListenerLinger);

        Receive<DrainListener>(_ =>
        {
            _drainers.Add(Sender);
            _source.Drain();
        });
        Receive<StreamEnded>(OnStreamEnded);
    }

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
        if (WireJson.TryRead<JobResult>(delivery.Message.Body) is not { } result || !result.IsWhole())
        {
            // After enough receives the queue moves it to the dead-letter queue.
            _log.Warning("A response is unreadable and goes back to the queue");
            return [new Acknowledgement(delivery, Settlement.HandBack)];
        }

        if (await _delivery.GiveAsync(result)) return [new Acknowledgement(delivery, Settlement.Delete)];

        delivery.Release();
        return [];
    }

    private void OnTaken(IReadOnlyList<JobResult> results, ResultsTaken taken)
    {
        foreach (var alike in results.GroupBy(result => (result.InstanceId, result.Model)))
        {
            var none = new JobsDone(alike.Key.InstanceId, 0) { Model = alike.Key.Model };
            _scaler.Tell(alike.Aggregate(none, (done, result) => done.With(result)));
        }

        if (taken.SubmittedAt is { } submittedAt) _openBatches.Tell(new ResultReceived(submittedAt));
    }

    private void OnStreamEnded(StreamEnded ended)
    {
        if (_drainers.Count == 0)
            throw new InvalidOperationException("The stream of responses ended without a drain.", ended.Cause);

        foreach (var drainer in _drainers) drainer.Tell(ListenerDrained.Instance);
        Context.Stop(Self);
    }

    private sealed record StreamEnded(Exception? Cause);
}
