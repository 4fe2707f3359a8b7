using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using static ImageClassifier.Web.Callbacks.CallbackProtocol;

namespace ImageClassifier.Web.Callbacks;

/// <summary>
/// Makes the stored deliveries, for the whole tier. Each receiver has few tries at once, and only one while its tries
/// fail, so that a receiver that hangs holds up no other. The store is the truth: after a restart the next walk finds
/// everything.
/// </summary>
internal sealed class CallbackActor : ReceiveActor, IWithTimers
{
    // A walk lists keys, which is a paid call. It finds what was stored without a message, such as by another node.
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(500);

    // A try costs a connection and the time of a receiver, hardly any of ours.
    private const int MostAtOnce = 256;
    private const int MostOfReceiver = 4;

    private readonly IObjectStore _store;
    private readonly CallbackCourier _courier;
    private readonly bool _isExpectingMore;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<string> _running = [];

    /// <summary>The receivers with deliveries that are due or under way.</summary>
    private readonly Dictionary<string, Receiver> _receivers = [];

    private DateTimeOffset _walkedAt = DateTimeOffset.MinValue;
    private DateTimeOffset? _nextWalk;
    private bool _isWalking;
    private bool _isPartial;

    /// <summary>Creates the actor.</summary>
    /// <param name="store">The store.</param>
    /// <param name="courier">Tries deliveries.</param>
    /// <param name="settings">Who may ask for callbacks. If nobody may, the actor looks for deliveries once.</param>
    public CallbackActor(IObjectStore store, CallbackCourier courier, CallbackSettings settings)
    {
        _store = store;
        _courier = courier;
        _isExpectingMore = !settings.Secrets.IsEmpty;

        Receive<MakeDeliveries>(_ => WalkBy(Now));
        Receive<WalkDue>(_ => Walk());
        Receive<Walked>(OnWalked);
        Receive<WalkFailed>(failed =>
        {
            _log.Warning("Waiting callbacks could not be listed; the next walk tries again: {Cause}",
                failed.Cause.Message);
            _isWalking = false;
            WalkBy(Now + Interval);
            StartTimer();
        });
        Receive<TryEnded>(OnTryEnded);
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    /// <inheritdoc />
    protected override void PreStart() => WalkBy(Now);

    /// <inheritdoc />
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    /// <summary>Walks at a time or earlier, but not at once after the previous walk.</summary>
    private void WalkBy(DateTimeOffset time)
    {
        if (_walkedAt != DateTimeOffset.MinValue && time < _walkedAt + Pace) time = _walkedAt + Pace;
        if (_nextWalk <= time) return;
        _nextWalk = time;
        if (!_isWalking) StartTimer();
    }

    private void StartTimer()
    {
        if (_nextWalk is not { } time) return;
        Timers.Cancel(nameof(WalkDue));
        var wait = time - Now;
        if (wait > TimeSpan.Zero) Timers.StartSingleTimer(nameof(WalkDue), WalkDue.Instance, wait);
        else Self.Tell(WalkDue.Instance);
    }

    private void Walk()
    {
        if (_isWalking) return;
        _isWalking = true;
        _nextWalk = null;
        _walkedAt = Now;
        CallbackScan.RunAsync(_store, Now, _stopping.Token).PipeTo(
            Self, success: found => new Walked(found), failure: cause => new WalkFailed(cause));
    }

    private void OnWalked(Walked walked)
    {
        var found = walked.Findings;
        _isWalking = false;
        _isPartial = found.IsPartial;
        foreach (var receiver in _receivers.Values) receiver.Due.Clear();
        foreach (var (name, due) in found.Due)
        {
            if (!_receivers.TryGetValue(name, out var receiver)) _receivers.Add(name, receiver = new Receiver());
            receiver.Due = due;
        }

        if (_isExpectingMore || found.Next is not null) WalkBy(Now + Interval);
        if (found.Next is { } next) WalkBy(next);
        StartTimer();
        StartTries();
    }

    private void StartTries()
    {
        foreach (var (name, receiver) in _receivers.ToList())
        {
            while (_running.Count < MostAtOnce && receiver.MayStart && receiver.Due.TryDequeue(out var waiting))
            {
                // The walk may have seen a delivery that was under way.
                if (_running.Add(waiting.Key)) Start(waiting, receiver);
            }

            if (receiver is { Running: 0, Due.Count: 0 }) _receivers.Remove(name);
        }
    }

    private void Start(WaitingCallback waiting, Receiver receiver)
    {
        receiver.Running++;
        _courier.TryAsync(waiting, _stopping.Token).PipeTo(
            Self,
            success: outcome => new TryEnded(waiting, outcome, null),
            failure: cause => new TryEnded(waiting, null, cause));
    }

    private void OnTryEnded(TryEnded ended)
    {
        _running.Remove(ended.Waiting.Key);
        var receiver = _receivers[ended.Waiting.Receiver];
        receiver.Running--;
        receiver.IsFailing = ended.Outcome is CallbackTry.Postponed or CallbackTry.Died;
        switch (ended.Outcome)
        {
            case CallbackTry.Delivered delivered:
                _log.Debug("A callback to {Host} was delivered", delivered.Host);
                break;
            case CallbackTry.Postponed postponed:
                _log.Debug(
                    "A callback to {Host} failed and is tried again: {Reason}", postponed.Host, postponed.Reason);
                WalkBy(postponed.Due);
                break;
            case CallbackTry.Died died:
                _log.Error("A callback of batch {Batch} to {Host} is given up (queue list --queue callbacks): {Reason}",
                    ended.Waiting.Batch, died.Host ?? "an unknown receiver", died.Reason);
                break;
            case null:
                // The store may be down for all, so the next walk is not moved up.
                _log.Warning("A callback could not be read or noted; it is tried again: {Cause}", ended.Cause!.Message);
                break;
        }

        if (_isPartial && receiver.Due.Count == 0 && ended.Outcome is not null) WalkBy(Now);
        StartTries();
    }

    private sealed class Receiver
    {
        public Queue<WaitingCallback> Due { get; set; } = new();

        public int Running { get; set; }

        // Until it has taken a delivery, it may be one that hangs.
        public bool IsFailing { get; set; } = true;

        public bool MayStart => Running < (IsFailing ? 1 : MostOfReceiver);
    }

    private sealed record Walked(CallbackFindings Findings);

    private sealed record WalkFailed(Exception Cause);

    private sealed record TryEnded(WaitingCallback Waiting, CallbackTry? Outcome, Exception? Cause);

    private sealed record WalkDue
    {
        public static WalkDue Instance { get; } = new();
    }
}
