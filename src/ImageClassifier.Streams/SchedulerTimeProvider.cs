using Akka.Actor;

namespace ImageClassifier.Streams;

/// <summary>
/// The actor system's clock and timers as a <see cref="TimeProvider"/>, for code that is not an actor. In production it
/// follows the machine's clock. In a test with a virtual scheduler, everything that uses this provider follows that.
/// </summary>
/// <remarks>As with the machine's own timers, a callback runs on the thread pool, in the execution context that created
/// the timer. Some schedulers have only one thread, where a blocking callback would delay every other timer.</remarks>
public sealed class SchedulerTimeProvider(ActorSystem system) : TimeProvider
{
    private readonly IScheduler _scheduler = system.Scheduler;

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow() => _scheduler.Now;

    /// <inheritdoc />
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc />
    public override long GetTimestamp() => _scheduler.MonotonicClock.Ticks;

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new SchedulerTimer(_scheduler, callback, state, dueTime, period);

    private sealed class SchedulerTimer : ITimer
    {
        private readonly IScheduler _scheduler;
        private readonly TimerCallback _callback;
        private readonly object? _state;
        private readonly ExecutionContext? _context = ExecutionContext.Capture();
        private ICancelable? _scheduled;

        public SchedulerTimer(
            IScheduler scheduler, TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _scheduler = scheduler;
            _callback = callback;
            _state = state;
            Change(dueTime, period);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Cancel();
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            var cancelable = new Cancelable(_scheduler);
            if (period == Timeout.InfiniteTimeSpan || period == TimeSpan.Zero)
                _scheduler.Advanced.ScheduleOnce(dueTime, () => Queue(cancelable), cancelable);
            else
                _scheduler.Advanced.ScheduleRepeatedly(dueTime, period, () => Queue(cancelable), cancelable);
            _scheduled = cancelable;
            return true;
        }

        public void Dispose() => Cancel();

        public ValueTask DisposeAsync()
        {
            Cancel();
            return ValueTask.CompletedTask;
        }

        private void Queue(Cancelable scheduled)
        {
            // Some schedulers run what is cancelled.
            if (scheduled.IsCancellationRequested) return;
            ThreadPool.UnsafeQueueUserWorkItem(static timer => timer.Run(), this, preferLocal: false);
        }

        private void Run()
        {
            if (_context is null) _callback(_state);
            else ExecutionContext.Run(_context, static timer => ((SchedulerTimer)timer!).Call(), this);
        }

        private void Call() => _callback(_state);

        private void Cancel() => Interlocked.Exchange(ref _scheduled, null)?.Cancel();
    }
}
