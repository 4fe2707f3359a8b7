using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;
using Akka.TestKit;

namespace ImageClassifier.Simulations.Time;

/// <summary>
/// TestKit's virtual time, advanced from one event to the next rather than by fixed steps. Everything happens at its
/// scheduled time, hours pass in seconds, and no repeating timer is skipped. It also honours cancelled actions, and its
/// monotonic clock is virtual.
/// </summary>
public sealed class EventScheduler : TestScheduler, IScheduler, IAdvancedScheduler
{
    // Events this close together form one step.
    private static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(10);
    private static readonly DateTimeOffset Beginning = new(2100, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Lock _lock = new();
    private readonly PriorityQueue<Item, (DateTimeOffset Due, long Number)> _items = new();
    private long _lastNumber;

    /// <summary>Called by the actor system.</summary>
    public EventScheduler(Config config, ILoggingAdapter log)
        : base(config, log) => AdvanceTo(Beginning);

    /// <summary>The time since the beginning.</summary>
    public new TimeSpan MonotonicClock => Now - Beginning;

    /// <inheritdoc cref="MonotonicClock" />
    public new TimeSpan HighResMonotonicClock => MonotonicClock;

    IAdvancedScheduler IScheduler.Advanced => this;

    /// <summary>Advances to the next event and runs it, together with those right after it. Call it only while all
    /// threads are idle.</summary>
    /// <returns>False if there is no further event.</returns>
    public bool Step()
    {
        if (NextDue() is not { } due) return false;
        var late = due.Ticks % Grain.Ticks;
        var at = late == 0 ? due : due.AddTicks(Grain.Ticks - late);
        if (at > Now) AdvanceTo(at);
        while (TakeDue() is { } item) item.Run();
        return true;
    }

    /// <inheritdoc />
    public new void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender) =>
        Add(delay, null, () => receiver.Tell(message, sender), null);

    /// <inheritdoc />
    public new void ScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Add(delay, null, () => receiver.Tell(message, sender), cancelable);

    /// <inheritdoc />
    public new void ScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender) =>
        Add(initialDelay, interval, () => receiver.Tell(message, sender), null);

    /// <inheritdoc />
    public new void ScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender,
        ICancelable cancelable) =>
        Add(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);

    /// <inheritdoc />
    public new void ScheduleOnce(TimeSpan delay, Action action) => Add(delay, null, action, null);

    /// <inheritdoc />
    public new void ScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) =>
        Add(delay, null, action, cancelable);

    /// <inheritdoc />
    public new void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action) =>
        Add(initialDelay, interval, action, null);

    /// <inheritdoc />
    public new void ScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        Add(initialDelay, interval, action, cancelable);

    void IRunnableScheduler.ScheduleOnce(TimeSpan delay, IRunnable action) => Add(delay, null, action.Run, null);

    void IRunnableScheduler.ScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) =>
        Add(delay, null, action.Run, cancelable);

    void IRunnableScheduler.ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action) =>
        Add(initialDelay, interval, action.Run, null);

    void IRunnableScheduler.ScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable cancelable) =>
        Add(initialDelay, interval, action.Run, cancelable);

    private void Add(TimeSpan delay, TimeSpan? interval, Action action, ICancelable? cancelable) =>
        Add(new Item(Now + delay, interval, action, cancelable));

    private void Add(Item item)
    {
        lock (_lock) _items.Enqueue(item, (item.Due, ++_lastNumber));
    }

    private DateTimeOffset? NextDue()
    {
        lock (_lock)
        {
            while (_items.TryPeek(out var item, out _))
            {
                if (!item.IsCancelled) return item.Due;
                _items.Dequeue();
            }

            return null;
        }
    }

    private Item? TakeDue()
    {
        if (NextDue() is not { } due || due > Now) return null;
        lock (_lock)
        {
            var item = _items.Dequeue();
            if (item.Interval is { } interval)
            {
                var again = item with { Due = item.Due + interval };
                _items.Enqueue(again, (again.Due, ++_lastNumber));
            }

            return item;
        }
    }

    private sealed record Item(DateTimeOffset Due, TimeSpan? Interval, Action Action, ICancelable? Cancelable)
    {
        public bool IsCancelled => Cancelable is { IsCancellationRequested: true };

        public void Run()
        {
            if (!IsCancelled) Action();
        }
    }
}
