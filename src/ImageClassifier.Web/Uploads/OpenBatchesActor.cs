using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Results;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Uploads.OpenBatchesProtocol;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// Sees to it that every accepted job ends. It walks over the open batches again and again: what was not sent goes to the
/// outbox, a job that has no result long after its message is gone is sent again as its next attempt, and one that was lost
/// twice more fails with that reason. A deletion that broke off is finished.
/// </summary>
/// <remarks>
/// A queue cannot be asked for one message. A message is gone where it was sent long ago and, since, either the queue was
/// found empty at several looks in a row, or what was accepted later came back and long ago. However long a backlog takes to
/// drain, none of it counts as lost.
/// </remarks>
public sealed class OpenBatchesActor : ReceiveActor, IWithTimers
{
    private readonly IMessageQueue _requests;
    private readonly IObjectStore _store;
    private readonly IActorRef _outbox;
    private readonly IActorRef _batches;
    private readonly TimeSpan _interval;
    private readonly LostJobSettings _settings;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private readonly QueueLooks _looks = new();
    private readonly LaterResults _later;
    private BatchId? _next;

    /// <summary>Creates the actor.</summary>
    /// <param name="requests">The request queue.</param>
    /// <param name="store">The store.</param>
    /// <param name="outbox">Sends messages.</param>
    /// <param name="batches">Keeps the live batches.</param>
    /// <param name="interval">How often it looks.</param>
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
        _later = new LaterResults(settings.LostAfter);

        Receive<Look>(_ => OnLook());
        Receive<Looked>(OnLooked);
        Receive<Swept>(OnSwept);
        Receive<JobCameBack>(job => _later.Add(job.SubmittedAt, Context.System.Scheduler.Now));
        // It awaits no answer of batches: what they miss, the next look finds.
        Receive<IBatchAnswer>(_ => { });
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() => LookLater();

    /// <inheritdoc />
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void LookLater() => Timers.StartSingleTimer(nameof(Look), Look.Instance, _interval);

    private void OnLook() =>
        _requests.MeasureAsync(_stopping.Token).PipeTo(
            Self,
            success: measure => new Looked(measure, null),
            failure: cause => new Looked(null, cause));

    private void OnLooked(Looked looked)
    {
        if (looked.Cause is { } cause)
            _log.Warning("The request queue could not be measured: {Cause}", cause.Message);

        var now = Context.System.Scheduler.Now;
        _looks.Add(looked.Measure, now);
        new OpenBatchSweep(_store, _settings.LostAfter, _settings.BatchesASweep, now, GoneBefore(now))
            .RunAsync(_next, _stopping.Token)
            .PipeTo(Self, success: findings => new Swept(findings));
    }

    private DateTimeOffset? GoneBefore(DateTimeOffset now) =>
        _later.OvertakenBefore(now) is { } overtaken && !(_looks.EmptySince > overtaken) ? overtaken : _looks.EmptySince;

    private void OnSwept(Swept swept)
    {
        var found = swept.Findings;
        _next = found.Next;
        if (found.Failure is { } failure)
            _log.Warning("Open batches could not be looked into, and are later: {Cause}", failure.Message);
        foreach (var batch in found.Unsent) _outbox.Tell(new OutboxProtocol.SendUnsent(batch));
        foreach (var batch in found.Old) _batches.Tell(new CatchUp(batch));
        foreach (var batch in found.Deleting) _batches.Tell(new DeleteBatch(batch));
        if (found.Again.Count > 0)
        {
            _log.Warning("{Count} jobs were lost on their way and are sent again", found.Again.Count);
            _outbox.Tell(new OutboxProtocol.SendAgain(found.Again));
        }

        if (found.Lost.Count > 0) _log.Error("{Count} jobs were lost too often and failed", found.Lost.Count);
        foreach (var result in found.Lost) _batches.Tell(new TakeResult(result));
        LookLater();
    }

    private sealed record Looked(QueueMeasure? Measure, Exception? Cause);

    private sealed record Swept(SweepFindings Findings);

    private sealed record Look
    {
        public static Look Instance { get; } = new();
    }
}
