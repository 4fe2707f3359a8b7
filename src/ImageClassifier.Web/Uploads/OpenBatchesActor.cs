using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Results.ResultListenerProtocol;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// Makes sure that every accepted job ends. It sweeps the open batches periodically. Unsent messages go to the outbox.
/// A job whose message was lost is sent again as its next attempt, and fails after its third loss. A deletion or a
/// cancel that broke off is finished, and so are the batches whose deadline has passed.
/// </summary>
/// <remarks>
/// A queue cannot be asked about one message. A message counts as lost if it was sent long ago and one of two things
/// happened since: the queue was empty several times in a row, or the result of a later job came long ago. So no
/// message of a long backlog counts as lost.
/// </remarks>
public sealed class OpenBatchesActor : ReceiveActor, IWithTimers
{
    private readonly IMessageQueue _requests;
    private readonly IObjectStore _store;
    private readonly SchedulerTimeProvider _time = new(Context.System);
    private readonly IActorRef _outbox;
    private readonly IActorRef _batches;
    private readonly TimeSpan _interval;
    private readonly LostJobSettings _settings;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private readonly EmptyQueueDetector _emptyQueue = new();
    private readonly QueueProgress _queueProgress;
    private BatchId? _cursor;

    /// <summary>Creates the actor.</summary>
    /// <param name="requests">The request queue.</param>
    /// <param name="store">The store.</param>
    /// <param name="outbox">The <see cref="OutboxActor"/>.</param>
    /// <param name="batches">The parent of the live batches.</param>
    /// <param name="interval">Time between sweeps.</param>
    /// <param name="settings">When a job is lost.</param>
    public OpenBatchesActor(
        IMessageQueue requests, IObjectStore store, IActorRef outbox, IActorRef batches, TimeSpan interval,
        LostJobSettings settings)
    {
        _requests = requests;
        _store = store;
        _outbox = outbox;
        _batches = batches;
        _interval = interval;
        _settings = settings;
        _queueProgress = new QueueProgress(settings.LostAfter);

        Receive<SweepDue>(_ => OnSweepDue());
        Receive<QueueMeasured>(OnQueueMeasured);
        Receive<SweepFinished>(OnSweepFinished);
        Receive<ResultReceived>(result => _queueProgress.Add(result.SubmittedAt, Context.System.Scheduler.Now));
        // Fire and forget: the next sweep finds what a batch missed.
        Receive<IBatchAnswer>(_ => { });
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() => ScheduleSweep();

    /// <inheritdoc />
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void ScheduleSweep() => Timers.StartSingleTimer(nameof(SweepDue), SweepDue.Instance, _interval);

    private void OnSweepDue() =>
        _requests.MeasureAsync(_stopping.Token).PipeTo(
            Self,
            success: measure => new QueueMeasured(measure, null),
            failure: cause => new QueueMeasured(null, cause));

    private void OnQueueMeasured(QueueMeasured measured)
    {
        if (measured.Cause is { } cause)
            _log.Warning("The request queue could not be measured; the next sweep tries again: {Cause}", cause.Message);

        var now = Context.System.Scheduler.Now;
        _emptyQueue.Add(measured.Measure, now);
        new OpenBatchSweep(_store, _time, _settings.LostAfter, _settings.BatchesASweep, OffQueueBefore(now))
            .RunAsync(_cursor, _stopping.Token)
            .PipeTo(Self, success: findings => new SweepFinished(findings));
    }

    private DateTimeOffset? OffQueueBefore(DateTimeOffset now) =>
        _queueProgress.DeliveredBefore(now) is { } delivered && !(_emptyQueue.EmptySince > delivered)
            ? delivered
            : _emptyQueue.EmptySince;

    private void OnSweepFinished(SweepFinished finished)
    {
        var found = finished.Findings;
        _cursor = found.Next;
        if (found.Failure is { } failure)
            _log.Warning("The sweep of open batches broke off; the next one continues: {Cause}", failure.Message);
        foreach (var batch in found.Unsent) _outbox.Tell(new OutboxProtocol.SendUnsent(batch));
        foreach (var batch in found.Due) _batches.Tell(new EndDueJobs(batch));
        foreach (var batch in found.Deleting) _batches.Tell(new DeleteBatch(batch));
        if (found.Again.Count > 0)
        {
            _log.Warning("{Count} messages were lost, and their jobs are sent again", found.Again.Count);
            _outbox.Tell(new OutboxProtocol.SendAgain(found.Again));
        }

        if (found.Lost.Count > 0)
            _log.Error("{Count} jobs failed: their messages were lost too often", found.Lost.Count);
        foreach (var result in found.Lost) _batches.Tell(TakeResults.Of(result));
        ScheduleSweep();
    }

    private sealed record QueueMeasured(QueueMeasure? Measure, Exception? Cause);

    private sealed record SweepFinished(SweepFindings Findings);

    private sealed record SweepDue
    {
        public static SweepDue Instance { get; } = new();
    }
}
