using Akka.Actor;

namespace ImageClassifier.Streams;

/// <summary>
/// The actor system's time for what is no actor: a <see cref="TimeProvider"/> over its scheduler. In production that is
/// the machine's clock; in a test with a virtual scheduler everything that takes this provider moves with it.
/// </summary>
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
        new SchedulerTimer(_scheduler, () => callback(state), dueTime, period);

    private sealed class SchedulerTimer : ITimer
    {
        private readonly IScheduler _scheduler;
        private readonly Action _callback;
        private ICancelable? _scheduled;

        public SchedulerTimer(IScheduler scheduler, Action callback, TimeSpan dueTime, TimeSpan period)
        {
            _scheduler = scheduler;
            _callback = callback;
            Change(dueTime, period);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Cancel();
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            var cancelable = new Cancelable(_scheduler);
            if (period == Timeout.InfiniteTimeSpan || period == TimeSpan.Zero)
                _scheduler.Advanced.ScheduleOnce(dueTime, _callback, cancelable);
            else
                _scheduler.Advanced.ScheduleRepeatedly(dueTime, period, _callback, cancelable);
            _scheduled = cancelable;
            return true;
        }

        public void Dispose() => Cancel();

        public ValueTask DisposeAsync()
        {
            Cancel();
            return ValueTask.CompletedTask;
        }

        private void Cancel() => Interlocked.Exchange(ref _scheduled, null)?.Cancel();
    }
}
