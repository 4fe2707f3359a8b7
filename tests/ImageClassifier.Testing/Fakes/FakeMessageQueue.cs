using System.Globalization;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Testing.Fakes;

/// <summary>The calls of a queue, to count them and to make them fail.</summary>
public enum QueueCall
{
    Send,
    Receive,
    Delete,
    Extend,
    Measure,
}

/// <summary>A poll as it was asked for.</summary>
public sealed record ReceiveCall(int MaxMessages, TimeSpan Wait, TimeSpan Lease, DateTimeOffset At);

/// <summary>A message that was taken off a queue, or is on it.</summary>
public sealed record FakeMessage(string Body, string GroupId, string DeduplicationId, int ReceiveCount);

/// <summary>
/// A whole queue in memory that keeps the contract of <see cref="IMessageQueue"/> on the clock it is given: leases,
/// groups, deduplication, receive counts, dead letters, and polls that wait. Calls can be made to fail.
/// </summary>
/// <param name="time">The queue's clock; virtual in most tests.</param>
/// <param name="maxReceives">A message received more often goes to <see cref="DeadLetters"/> instead.</param>
public sealed class FakeMessageQueue(TimeProvider time, int maxReceives = int.MaxValue) : IMessageQueue
{
    private static readonly TimeSpan DeduplicationWindow = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly List<Entry> _entries = [];
    private readonly List<Waiter> _waiters = [];
    private readonly Dictionary<string, DateTimeOffset> _sentIds = [];
    private readonly Dictionary<QueueCall, int> _calls = [];
    private readonly Dictionary<QueueCall, Queue<Exception>> _failures = [];
    private readonly List<ReceiveCall> _polls = [];
    private readonly List<FakeMessage> _deleted = [];
    private readonly List<FakeMessage> _dead = [];
    private readonly List<(QueueCall Call, int Entries)> _batches = [];
    private ITimer? _wake;
    private int _lastReceipt;
    private int _pollsUnderWay;
    private int _mostPolls;

    /// <summary>Asked before each entry of a send, delete or extend, with the message's body: an outcome answers that
    /// entry and leaves the queue as it is; null lets it happen.</summary>
    public Func<QueueCall, string, QueueOutcome?>? EntryOutcome { get; set; }

    /// <summary>Asked before each call: an exception fails it; null lets it happen.</summary>
    public Func<QueueCall, Exception?>? CallFailure { get; set; }

    /// <summary>Awaited before each call does anything: holds calls back.</summary>
    public Func<QueueCall, Task>? Before { get; set; }

    /// <summary>Whether a poll under way ends when it is asked to; some queues do not allow that.</summary>
    public bool HonoursStopWaiting { get; set; } = true;

    /// <summary>The polls so far, in order.</summary>
    public IReadOnlyList<ReceiveCall> Polls => Locked(() => _polls.ToArray());

    /// <summary>The most polls that were ever under way at once.</summary>
    public int MostPollsAtOnce => Locked(() => _mostPolls);

    /// <summary>The polls that wait for a message now.</summary>
    public int PollsWaiting => Locked(() => _waiters.Count);

    /// <summary>What was deleted, in order.</summary>
    public IReadOnlyList<FakeMessage> Deleted => Locked(() => _deleted.ToArray());

    /// <summary>What the queue gave up on.</summary>
    public IReadOnlyList<FakeMessage> DeadLetters => Locked(() => _dead.ToArray());

    /// <summary>What can be received now, in order.</summary>
    public IReadOnlyList<FakeMessage> Visible =>
        Locked(() => _entries.Where(entry => entry.VisibleAt <= Now).Select(entry => entry.ToMessage()).ToArray());

    /// <summary>What is under lease now.</summary>
    public IReadOnlyList<FakeMessage> InFlight =>
        Locked(() => _entries.Where(entry => entry.VisibleAt > Now).Select(entry => entry.ToMessage()).ToArray());

    /// <summary>Everything on the queue, visible or not, in order.</summary>
    public IReadOnlyList<FakeMessage> All => Locked(() => _entries.Select(entry => entry.ToMessage()).ToArray());

    private DateTimeOffset Now => time.GetUtcNow();

    /// <summary>How often a call was made, failed ones included.</summary>
    public int CallsOf(QueueCall call) => Locked(() => _calls.GetValueOrDefault(call));

    /// <summary>How many entries each call of that kind had, in order; failed ones included.</summary>
    public IReadOnlyList<int> BatchSizesOf(QueueCall call) =>
        Locked(() => _batches.Where(batch => batch.Call == call).Select(batch => batch.Entries).ToArray());

    /// <summary>Makes the next calls of a kind fail as a whole.</summary>
    public void FailNext(QueueCall call, int times = 1, Exception? failure = null)
    {
        lock (_lock)
        {
            if (!_failures.TryGetValue(call, out var queued)) _failures[call] = queued = new Queue<Exception>();
            for (var i = 0; i < times; i++)
                queued.Enqueue(failure ?? new QueueUnavailableException($"{call} fails because the test says so."));
        }
    }

    /// <summary>Puts a message on the queue at once; each has its own group unless one is given.</summary>
    public void Put(string body, string? groupId = null, int receiveCount = 0)
    {
        lock (_lock)
        {
            var id = $"put-{Guid.NewGuid():N}";
            _entries.Add(new Entry(body, groupId ?? id, id) { ReceiveCount = receiveCount });
            ServeWaiters();
        }
    }

    /// <summary>Ends a lease early, as if it had run out.</summary>
    public void ExpireLease(string body)
    {
        lock (_lock)
        {
            foreach (var expired in _entries.Where(entry => entry.Body == body))
                expired.VisibleAt = DateTimeOffset.MinValue;
            ServeWaiters();
        }
    }

    public async Task<IReadOnlyList<QueueOutcome>> SendAsync(
        IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellation)
    {
        CheckSize(messages.Count);
        await BeginAsync(QueueCall.Send, messages.Count, cancellation);
        lock (_lock)
        {
            var outcomes = messages.Select(Send).ToArray();
            ServeWaiters();
            return outcomes;
        }
    }

    public async Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(
        int maxMessages, TimeSpan wait, TimeSpan lease, CancellationToken stopWaiting)
    {
        CheckSize(maxMessages);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(wait, TimeSpan.FromSeconds(20));
        lock (_lock)
        {
            _polls.Add(new ReceiveCall(maxMessages, wait, lease, Now));
            _mostPolls = Math.Max(_mostPolls, ++_pollsUnderWay);
        }

        try
        {
            await BeginAsync(QueueCall.Receive, maxMessages, CancellationToken.None);
            return await WaitForMessages(maxMessages, wait, lease, stopWaiting);
        }
        finally
        {
            lock (_lock) _pollsUnderWay--;
        }
    }

    public async Task<IReadOnlyList<QueueOutcome>> DeleteAsync(
        IReadOnlyList<Receipt> receipts, CancellationToken cancellation)
    {
        CheckSize(receipts.Count);
        await BeginAsync(QueueCall.Delete, receipts.Count, cancellation);
        lock (_lock) return receipts.Select(Delete).ToArray();
    }

    public async Task<IReadOnlyList<QueueOutcome>> ExtendAsync(
        IReadOnlyList<Receipt> receipts, TimeSpan lease, CancellationToken cancellation)
    {
        CheckSize(receipts.Count);
        await BeginAsync(QueueCall.Extend, receipts.Count, cancellation);
        lock (_lock)
        {
            var outcomes = receipts.Select(receipt => Extend(receipt, lease)).ToArray();
            ServeWaiters();
            return outcomes;
        }
    }

    public async Task<QueueMeasure> MeasureAsync(CancellationToken cancellation)
    {
        await BeginAsync(QueueCall.Measure, 0, cancellation);
        lock (_lock)
        {
            var waiting = _entries.Count(entry => entry.VisibleAt <= Now);
            return new QueueMeasure(waiting, _entries.Count - waiting);
        }
    }

    private static void CheckSize(int entries)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(entries, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entries, IMessageQueue.MaxBatch);
    }

    private async Task BeginAsync(QueueCall call, int entries, CancellationToken cancellation)
    {
        Exception? failure;
        lock (_lock)
        {
            _calls[call] = _calls.GetValueOrDefault(call) + 1;
            _batches.Add((call, entries));
            failure = _failures.TryGetValue(call, out var queued) && queued.TryDequeue(out var next)
                ? next
                : CallFailure?.Invoke(call);
        }

        if (Before is { } before) await before(call);
        if (failure is not null) throw failure;
        cancellation.ThrowIfCancellationRequested();
    }

    private QueueOutcome Send(OutgoingMessage message)
    {
        if (EntryOutcome?.Invoke(QueueCall.Send, message.Body) is { } injected) return injected;
        if (_sentIds.TryGetValue(message.DeduplicationId, out var sentAt) && Now - sentAt < DeduplicationWindow)
            return QueueOutcome.Done;
        _sentIds[message.DeduplicationId] = Now;
        _entries.Add(new Entry(message.Body, message.GroupId, message.DeduplicationId));
        return QueueOutcome.Done;
    }

    private QueueOutcome Delete(Receipt receipt)
    {
        if (Find(receipt) is not { } entry) return QueueOutcome.LeaseLost;
        if (EntryOutcome?.Invoke(QueueCall.Delete, entry.Body) is { } injected) return injected;
        _entries.Remove(entry);
        _deleted.Add(entry.ToMessage());
        ServeWaiters();
        return QueueOutcome.Done;
    }

    private QueueOutcome Extend(Receipt receipt, TimeSpan lease)
    {
        if (Find(receipt) is not { } entry || entry.VisibleAt <= Now) return QueueOutcome.LeaseLost;
        if (EntryOutcome?.Invoke(QueueCall.Extend, entry.Body) is { } injected) return injected;
        entry.VisibleAt = Now + lease;
        return QueueOutcome.Done;
    }

    private Entry? Find(Receipt receipt) => _entries.Find(entry => entry.Receipt == receipt);

    private Task<IReadOnlyList<ReceivedMessage>> WaitForMessages(
        int maxMessages, TimeSpan wait, TimeSpan lease, CancellationToken stopWaiting)
    {
        Waiter waiter;
        lock (_lock)
        {
            var taken = Take(maxMessages, lease);
            if (taken.Count > 0 || wait <= TimeSpan.Zero)
                return Task.FromResult<IReadOnlyList<ReceivedMessage>>(taken);
            waiter = new Waiter(maxMessages, lease);
            _waiters.Add(waiter);
            waiter.Timeout = time.CreateTimer(
                _ => EndWait(waiter), null, wait, System.Threading.Timeout.InfiniteTimeSpan);
            ArrangeWake();
        }

        if (HonoursStopWaiting) waiter.Stop = stopWaiting.Register(() => EndWait(waiter));
        return waiter.Answer.Task;
    }

    private void EndWait(Waiter waiter)
    {
        lock (_lock)
        {
            if (!_waiters.Remove(waiter)) return;
            Complete(waiter, Take(waiter.MaxMessages, waiter.Lease));
        }
    }

    private static void Complete(Waiter waiter, IReadOnlyList<ReceivedMessage> messages)
    {
        waiter.Timeout?.Dispose();
        waiter.Stop.Unregister();
        waiter.Answer.TrySetResult(messages);
    }

    private void ServeWaiters()
    {
        while (_waiters.Count > 0)
        {
            var waiter = _waiters[0];
            var taken = Take(waiter.MaxMessages, waiter.Lease);
            if (taken.Count == 0) break;
            _waiters.RemoveAt(0);
            Complete(waiter, taken);
        }

        ArrangeWake();
    }

    // A waiting poll also gets what comes free when a lease runs out.
    private void ArrangeWake()
    {
        _wake?.Dispose();
        _wake = null;
        if (_waiters.Count == 0) return;
        var leased = _entries.Where(entry => entry.VisibleAt > Now).Select(entry => entry.VisibleAt).ToArray();
        if (leased.Length == 0) return;
        _wake = time.CreateTimer(
            _ =>
            {
                lock (_lock) ServeWaiters();
            },
            null, leased.Min() - Now, System.Threading.Timeout.InfiniteTimeSpan);
    }

    private List<ReceivedMessage> Take(int maxMessages, TimeSpan lease)
    {
        var blocked = _entries.Where(entry => entry.VisibleAt > Now).Select(entry => entry.GroupId).ToHashSet();
        var taken = new List<ReceivedMessage>();
        foreach (var entry in _entries.ToArray())
        {
            if (taken.Count == maxMessages) break;
            if (blocked.Contains(entry.GroupId)) continue;
            if (entry.ReceiveCount >= maxReceives)
            {
                _entries.Remove(entry);
                _dead.Add(entry.ToMessage());
                continue;
            }

            entry.ReceiveCount++;
            entry.VisibleAt = Now + lease;
            entry.Receipt = new Receipt((++_lastReceipt).ToString(CultureInfo.InvariantCulture));
            taken.Add(new ReceivedMessage(entry.Body, entry.GroupId, entry.Receipt, entry.ReceiveCount));
        }

        return taken;
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_lock) return read();
    }

    private sealed class Entry(string body, string groupId, string deduplicationId)
    {
        public string Body { get; } = body;

        public string GroupId { get; } = groupId;

        public DateTimeOffset VisibleAt { get; set; } = DateTimeOffset.MinValue;

        public int ReceiveCount { get; set; }

        public Receipt Receipt { get; set; }

        public FakeMessage ToMessage() => new(Body, GroupId, deduplicationId, ReceiveCount);
    }

    private sealed class Waiter(int maxMessages, TimeSpan lease)
    {
        public int MaxMessages { get; } = maxMessages;

        public TimeSpan Lease { get; } = lease;

        public ITimer? Timeout { get; set; }

        public CancellationTokenRegistration Stop { get; set; }

        public TaskCompletionSource<IReadOnlyList<ReceivedMessage>> Answer { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
