using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Results;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// Detects that a queue's file was lost and created anew. Then the outbox sends the requests of open batches again, and
/// live batches look for their results in the store.
/// </summary>
public sealed class QueueWatchActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly QueuePair _queues;
    private readonly IActorRef _outbox;
    private readonly IActorRef _liveJobs;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private string? _requests;
    private string? _responses;

    /// <summary>Creates the actor.</summary>
    /// <param name="queues">The queues.</param>
    /// <param name="outbox">The <see cref="OutboxActor"/>.</param>
    /// <param name="liveJobs">The <see cref="LiveJobsActor"/>.</param>
    public QueueWatchActor(QueuePair queues, IActorRef outbox, IActorRef liveJobs)
    {
        _queues = queues;
        _outbox = outbox;
        _liveJobs = liveJobs;

        Receive<CheckDue>(_ => CheckQueues());
        Receive<IdentitiesRead>(OnIdentitiesRead);
        Receive<CheckFailed>(_ => ScheduleCheck());
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() => CheckQueues();

    /// <inheritdoc />
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void CheckQueues() => ReadIdentitiesAsync().PipeTo(Self, failure: _ => CheckFailed.Instance);

    private async Task<IdentitiesRead> ReadIdentitiesAsync() => new(
        await _queues.Requests.ContentsAsync(_stopping.Token).ConfigureAwait(false),
        await _queues.Responses.ContentsAsync(_stopping.Token).ConfigureAwait(false));

    private void OnIdentitiesRead(IdentitiesRead read)
    {
        // A queue that loses nothing never has an identity, so there is nothing to watch.
        if (read.Requests is null && read.Responses is null) return;
        if (read.Requests is { } requests && requests != _requests)
        {
            if (_requests is not null)
                _log.Warning("The request queue was lost and created anew. The jobs of open batches are sent again");
            _outbox.Tell(new OutboxProtocol.QueueIdentified(requests));
        }

        if (_responses is { } before && read.Responses != before)
        {
            _log.Warning("The response queue was lost and created anew. Live batches look for results in the store");
            _liveJobs.Tell(LiveJobsProtocol.CatchUp.Instance);
        }

        (_requests, _responses) = (read.Requests, read.Responses);
        ScheduleCheck();
    }

    private void ScheduleCheck() => Timers.StartSingleTimer(nameof(CheckDue), CheckDue.Instance, Interval);

    private sealed record IdentitiesRead(string? Requests, string? Responses);

    private sealed record CheckFailed
    {
        public static CheckFailed Instance { get; } = new();
    }

    private sealed record CheckDue
    {
        public static CheckDue Instance { get; } = new();
    }
}
