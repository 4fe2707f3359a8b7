using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace ImageClassifier.Streams;

/// <summary>The scheduler of the actor system, on the timers of .NET. It wakes only when something is due. Akka's own
/// scheduler wakes a hundred times a second, and an idle process does little else.</summary>
/// <remarks>Nothing runs early, and two runs of one timer never overlap. What is due at about the same time runs in any
/// order, on the thread pool.</remarks>
public sealed class SleepingScheduler(Config config, ILoggingAdapter log)
    : SchedulerBase(config, log), IDateTimeOffsetNowTimeProvider, IDisposable
{
    // A timer of .NET waits 49 days at most.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(30);

    private volatile bool _isDisposed;

    /// <inheritdoc />
    protected override DateTimeOffset TimeNow => TimeProvider.System.GetUtcNow();

    /// <inheritdoc />
    public override TimeSpan MonotonicClock => TimeProvider.System.GetMonotonic();

    /// <inheritdoc />
    public override TimeSpan HighResMonotonicClock => TimeProvider.System.GetMonotonic();

    /// <summary>From now on nothing runs, and nothing can be scheduled.</summary>
    public void Dispose() => _isDisposed = true;

    /// <inheritdoc />
    protected override void InternalScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable? cancelable) =>
        Schedule(delay, TimeSpan.Zero, () => receiver.Tell(message, sender), cancelable);

    /// <inheritdoc />
    protected override void InternalScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender,
        ICancelable? cancelable) =>
        Schedule(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);

    /// <inheritdoc />
    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable? cancelable) =>
        Schedule(delay, TimeSpan.Zero, action, cancelable);

    /// <inheritdoc />
    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable? cancelable) =>
        Schedule(delay, TimeSpan.Zero, action.Run, cancelable);

    /// <inheritdoc />
    protected override void InternalScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable? cancelable) =>
        Schedule(initialDelay, interval, action, cancelable);

    /// <inheritdoc />
    protected override void InternalScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable? cancelable) =>
        Schedule(initialDelay, interval, action.Run, cancelable);

    private void Schedule(TimeSpan delay, TimeSpan interval, Action action, ICancelable? cancelable)
    {
        if (_isDisposed) throw new SchedulerException("The scheduler has ended: the actor system is terminated.");
        if (cancelable is { IsCancellationRequested: true }) return;
        new Entry(this, interval, action).Start(delay, cancelable);
    }

    /// <summary>What is scheduled. It is alive while its timer runs.</summary>
    private sealed class Entry : IDisposable
    {
        private readonly SleepingScheduler _scheduler;
        private readonly TimeSpan _interval;
        private readonly Action _action;
        private readonly Timer _timer;
        private CancellationTokenRegistration _cancellation;
        private TimeSpan _due;
        private volatile bool _isCancelled;

        public Entry(SleepingScheduler scheduler, TimeSpan interval, Action action)
        {
            _scheduler = scheduler;
            _interval = interval;
            _action = action;
            // Otherwise the timer would keep all that the caller's context holds.
            var mustRestore = !ExecutionContext.IsFlowSuppressed();
            if (mustRestore) ExecutionContext.SuppressFlow();
            try
            {
                _timer = new Timer(
                    static entry => ((Entry)entry!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
            finally
            {
                if (mustRestore) ExecutionContext.RestoreFlow();
            }
        }

        public void Start(TimeSpan delay, ICancelable? cancelable)
        {
            _due = _scheduler.HighResMonotonicClock + delay;
            if (cancelable is not null)
                _cancellation = cancelable.Token.UnsafeRegister(static entry => ((Entry)entry!).Cancel(), this);
            WaitFor(delay);
        }

        private void Cancel()
        {
            _isCancelled = true;
            _timer.Dispose();
        }

        // A timer that is disposed of ignores this.
        private void WaitFor(TimeSpan wait)
        {
            var rounded = TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds));
            _timer.Change(rounded < LongestWait ? rounded : LongestWait, Timeout.InfiniteTimeSpan);
        }

        private void Fire()
        {
            if (_isCancelled || _scheduler._isDisposed)
            {
                Dispose();
                return;
            }

            // Timers of .NET go by a coarse clock and can be some milliseconds early.
            var early = _due - _scheduler.HighResMonotonicClock;
            if (early > TimeSpan.Zero)
            {
                WaitFor(early);
                return;
            }

            if (!TryRun() || _interval == TimeSpan.Zero || _isCancelled)
            {
                Dispose();
                return;
            }

            _due = _scheduler.HighResMonotonicClock + _interval;
            WaitFor(_interval);
        }

        /// <summary>Runs the action. One that throws is not run again.</summary>
        private bool TryRun()
        {
            try
            {
                _action();
                return true;
            }
            catch (Exception failure)
            {
                _scheduler.Log.Error(failure, "A scheduled action failed");
                return false;
            }
        }

        public void Dispose()
        {
            _cancellation.Unregister();
            _timer.Dispose();
        }
    }
}
