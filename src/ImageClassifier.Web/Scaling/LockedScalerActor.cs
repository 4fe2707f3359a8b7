using Akka.Actor;
using Akka.Event;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>Runs the scaler while it holds the lock of the fleet. Before that, questions wait and all else is dropped:
/// the scaler observes the queue and the fleet when it starts.</summary>
public sealed class LockedScalerActor : ReceiveActor, IWithTimers, IWithStash
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    // A scaler that hands over needs a moment to stop. After that somebody should know who holds the lock.
    private const int QuietTries = 20;

    private readonly IScalerLock _lock;
    private readonly Props _scaler;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private IDisposable? _held;
    private int _tries;

    /// <summary>Creates the actor.</summary>
    /// <param name="scalerLock">The lock.</param>
    /// <param name="scaler">The <see cref="ScalerActor"/>.</param>
    public LockedScalerActor(IScalerLock scalerLock, Props scaler)
    {
        _lock = scalerLock;
        _scaler = scaler;

        Receive<TryDue>(_ => TryTake());
        Receive<GetFleet>(_ => Stash.Stash());
        Receive<IScalerCommand>(_ => { });
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    public IStash Stash { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() => TryTake();

    /// <inheritdoc />
    protected override void PostStop() => _held?.Dispose();

    private void TryTake()
    {
        _held = _lock.TryTake();
        if (_held is null)
        {
            if (++_tries == QuietTries)
                _log.Warning("Another web tier holds the lock of the fleet. No instance is launched until it ends");
            Timers.StartSingleTimer(nameof(TryDue), TryDue.Instance, Interval);
            return;
        }

        var scaler = Context.ActorOf(_scaler, "scaler");
        Become(() => Receive<IScalerCommand>(scaler.Forward));
        Stash.UnstashAll();
    }

    private sealed record TryDue
    {
        public static TryDue Instance { get; } = new();
    }
}
