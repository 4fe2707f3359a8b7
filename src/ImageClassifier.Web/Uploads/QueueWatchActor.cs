using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// Notices when a queue was made anew, because its file was lost. What was on the request queue is sent again by the
/// outbox; what was on the response queue is in the store, where the open batches then look for it.
/// </summary>
public sealed class QueueWatchActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly QueuePair _queues;
    private readonly IObjectStore _store;
    private readonly IActorRef _outbox;
    private readonly IActorRef _batches;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private string? _requests;
    private string? _responses;

    /// <summary>Creates the actor.</summary>
    /// <param name="queues">The queues.</param>
    /// <param name="store">The store.</param>
    /// <param name="outbox">Sends what is open again.</param>
    /// <param name="batches">Keeps the live batches.</param>
    public QueueWatchActor(QueuePair queues, IObjectStore store, IActorRef outbox, IActorRef batches)
    {
        _queues = queues;
        _store = store;
        _outbox = outbox;
        _batches = batches;

        Receive<Look>(_ => OnLook());
        Receive<Looked>(OnLooked);
        Receive<LookFailed>(_ => LookLater());
        Receive<OpenFound>(found =>
        {
            foreach (var batch in found.Batches) _batches.Tell(new CatchUp(batch));
        });
        Receive<OpenUnknown>(unknown =>
        {
            _responses = unknown.Before;
            _log.Warning("Open batches could not be looked for, and are later: {Cause}", unknown.Cause.Message);
        });
        // Batches find their results in the store, and need not say so.
        Receive<IBatchAnswer>(_ => { });
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() => OnLook();

    /// <inheritdoc />
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void OnLook() => LookAsync().PipeTo(Self, failure: _ => LookFailed.Instance);

    private async Task<Looked> LookAsync() => new(
        await _queues.Requests.ContentsAsync(_stopping.Token).ConfigureAwait(false),
        await _queues.Responses.ContentsAsync(_stopping.Token).ConfigureAwait(false));

    private void OnLooked(Looked looked)
    {
        // A queue that loses nothing has no name for its contents, now and later.
        if (looked.Requests is null && looked.Responses is null) return;
        if (looked.Requests is { } requests && requests != _requests)
        {
            if (_requests is not null)
                _log.Warning("The request queue was made anew: the jobs of open batches are sent again");
            _outbox.Tell(new OutboxProtocol.QueueKnown(requests));
        }

        if (_responses is { } before && looked.Responses != before)
        {
            _log.Warning("The response queue was made anew: open batches look for their results in the store");
            new StoredOutbox(_store).FindOpenAsync(_stopping.Token).PipeTo(
                Self, success: batches => new OpenFound(batches), failure: cause => new OpenUnknown(before, cause));
        }

        (_requests, _responses) = (looked.Requests, looked.Responses);
        LookLater();
    }

    private void LookLater() => Timers.StartSingleTimer(nameof(Look), Look.Instance, Interval);

    private sealed record Looked(string? Requests, string? Responses);

    private sealed record OpenFound(IReadOnlyList<BatchId> Batches);

    private sealed record OpenUnknown(string Before, Exception Cause);

    private sealed record LookFailed
    {
        public static LookFailed Instance { get; } = new();
    }

    private sealed record Look
    {
        public static Look Instance { get; } = new();
    }
}
