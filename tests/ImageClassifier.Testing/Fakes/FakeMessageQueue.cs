using System.Globalization;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Testing.Fakes;

/// <summary>The calls of a queue. Tests count them and make them fail.</summary>
public enum QueueCall
{
    Send,
    Receive,
    Delete,
    Extend,
    Measure,
    Check,
}

/// <summary>The arguments of a poll.</summary>
public sealed record ReceiveCall(int MaxMessages, TimeSpan Wait, TimeSpan Lease, DateTimeOffset At);

/// <summary>A message on the queue, or received from it.</summary>
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
    private readonly HashSet<Entry> _entries = [];
    private readonly SortedSet<Entry> _visible = new(Comparer<Entry>.Create((a, b) => a.Number.CompareTo(b.Number)));
    private readonly PriorityQueue<Entry, DateTimeOffset> _leases = new();
    private readonly Dictionary<string, int> _leasedOfGroup = [];
    private readonly Dictionary<Receipt, Entry> _byReceipt = [];
    private readonly Queue<(DateTimeOffset At, QueueMeasure Measure)> _laggingCounts = [];
    private readonly List<Waiter> _waiters = [];
    private readonly Dictionary<string, DateTimeOffset> _sentIds = [];
    private readonly Dictionary<QueueCall, int> _calls = [];
    private readonly Dictionary<QueueCall, Queue<Exception>> _failures = [];
    private readonly List<ReceiveCall> _polls = [];
    private readonly List<FakeMessage> _deleted = [];
    private readonly List<FakeMessage> _dead = [];
    private readonly List<(QueueCall Call, int Entries)> _batches = [];
    private ITimer? _wake;
    private DateTimeOffset? _wakeAt;
    private QueueMeasure _shownCounts = new(0, 0);
    private long _lastNumber;
    private int _lastReceipt;
    private int _pollsUnderWay;
    private int _mostPolls;

    /// <summary>Called before each entry of a send, delete or extend, with the body of the message. A returned outcome
    /// becomes the entry's outcome and leaves the queue unchanged; null lets the entry succeed.</summary>
    public Func<QueueCall, string, QueueOutcome?>? EntryOutcome { get; set; }

    /// <summary>Called before each call. A returned exception fails the call; null lets it succeed.</summary>
    public Func<QueueCall, Exception?>? CallFailure { get; set; }

    /// <summary>Awaited at the start of each call, to delay it.</summary>
    public Func<QueueCall, Task>? Before { get; set; }

    /// <summary>True if a poll under way ends when it is asked to. Some queues do not allow that.</summary>
    public bool HonoursStopWaiting { get; set; } = true;

    /// <summary>The age of the counts of <see cref="MeasureAsync"/>. Set it before the first message.</summary>
    public TimeSpan CountsLag { get; set; }

    /// <summary>The result of <see cref="ContentsAsync"/>: null for a queue that loses nothing.</summary>
    public string? Contents { get; set; }

    /// <summary>The polls so far, in order.</summary>
    public IReadOnlyList<ReceiveCall> Polls => Locked(() => _polls.ToArray());

    /// <summary>The most polls that were under way at once.</summary>
    public int MostPollsAtOnce => Locked(() => _mostPolls);

    /// <summary>The polls that are waiting for a message now.</summary>
    public int PollsWaiting => Locked(() => _waiters.Count);

    /// <summary>The deleted messages, in order.</summary>
    public IReadOnlyList<FakeMessage> Deleted => Locked(() => _deleted.ToArray());

    /// <summary>The dead letters.</summary>
    public IReadOnlyList<FakeMessage> DeadLetters => Locked(() => _dead.ToArray());

    /// <summary>The visible messages, in order.</summary>
    public IReadOnlyList<FakeMessage> Visible => Locked(() => Messages(entry => entry.VisibleAt <= Now));

    /// <summary>The messages under lease.</summary>
    public IReadOnlyList<FakeMessage> InFlight => Locked(() => Messages(entry => entry.VisibleAt > Now));

    /// <summary>All messages on the queue, visible or not, in order.</summary>
    public IReadOnlyList<FakeMessage> All => Locked(() => Messages(_ => true));

    private DateTimeOffset Now => time.GetUtcNow();

    /// <summary>The number of calls of a kind, including failed ones.</summary>
    public int CallsOf(QueueCall call) => Locked(() => _calls.GetValueOrDefault(call));

    /// <summary>The number of entries in each call of a kind, in order, including failed calls.</summary>
    public IReadOnlyList<int> BatchSizesOf(QueueCall call) =>
        Locked(() => _batches.Where(batch => batch.Call == call).Select(batch => batch.Entries).ToArray());

    /// <summary>Makes the next calls of a kind fail as a whole.</summary>
    public void FailNext(QueueCall call, int times = 1, Exception? failure = null)
    {
        lock (_lock)
        {
            if (!_failures.TryGetValue(call, out var queued)) _failures[call] = queued = new Queue<Exception>();
            for (var i = 0; i < times; i++)
                queued.Enqueue(failure ?? new QueueUnavailableException($"The test made {call} fail."));
        }
    }

    /// <summary>Puts a message on the queue at once. Each has its own group unless a group is given.</summary>
    public void Put(string body, string? groupId = null, int receiveCount = 0)
    {
        lock (_lock)
        {
            var id = $"put-{Guid.NewGuid():N}";
            Add(body, groupId ?? id, id, receiveCount);
            ServeWaiters();
        }
    }

    /// <summary>Ends a lease early.</summary>
    public void ExpireLease(string body)
    {
        lock (_lock)
        {
            foreach (var expired in _entries.Where(entry => entry.Body == body && entry.IsLeased)) Return(expired);
            ServeWaiters();
        }
    }

    /// <summary>Ends the polls of a caller that is gone. They receive nothing and get no answer.</summary>
    /// <param name="caller">The cancellation token of its polls.</param>
    public void BreakOff(CancellationToken caller)
    {
        lock (_lock)
        {
            foreach (var waiter in _waiters.Where(waiter => waiter.Caller == caller).ToArray())
            {
                _waiters.Remove(waiter);
                waiter.Timeout?.Dispose();
            }
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
            ReturnExpired();
            if (CountsLag <= TimeSpan.Zero) return Count();
            var shownAt = Now - CountsLag;
            while (_laggingCounts.TryPeek(out var next) && next.At <= shownAt)
            {
                _shownCounts = next.Measure;
                _laggingCounts.Dequeue();
            }

            return _shownCounts;
        }
    }

    private static void CheckSize(int entries)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(entries, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entries, IMessageQueue.MaxBatch);
    }

    /// <inheritdoc />
    public Task CheckAsync(CancellationToken cancellation) => BeginAsync(QueueCall.Check, 0, cancellation);

    /// <inheritdoc />
    public Task<string?> ContentsAsync(CancellationToken cancellation) => Task.FromResult(Contents);

    /// <summary>Loses all messages, like a queue whose file is created again.</summary>
    public void LoseAll(string contents)
    {
        lock (_lock)
        {
            _entries.Clear();
            _visible.Clear();
            _byReceipt.Clear();
            _leasedOfGroup.Clear();
            _leases.Clear();
            _sentIds.Clear();
            Contents = contents;
        }
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
        Add(message.Body, message.GroupId, message.DeduplicationId, receiveCount: 0);
        return QueueOutcome.Done;
    }

    private QueueOutcome Delete(Receipt receipt)
    {
        ReturnExpired();
        if (!_byReceipt.TryGetValue(receipt, out var entry)) return QueueOutcome.LeaseLost;
        if (EntryOutcome?.Invoke(QueueCall.Delete, entry.Body) is { } injected) return injected;
        Remove(entry);
        _deleted.Add(entry.ToMessage());
        ServeWaiters();
        return QueueOutcome.Done;
    }

    private QueueOutcome Extend(Receipt receipt, TimeSpan lease)
    {
        ReturnExpired();
        if (!_byReceipt.TryGetValue(receipt, out var entry) || !entry.IsLeased) return QueueOutcome.LeaseLost;
        if (EntryOutcome?.Invoke(QueueCall.Extend, entry.Body) is { } injected) return injected;
        if (lease <= TimeSpan.Zero)
        {
            Return(entry);
        }
        else
        {
            entry.VisibleAt = Now + lease;
            _leases.Enqueue(entry, entry.VisibleAt);
        }

        return QueueOutcome.Done;
    }

    private void Add(string body, string groupId, string deduplicationId, int receiveCount)
    {
        var entry = new Entry(++_lastNumber, body, groupId, deduplicationId)
        {
            SentAt = Now,
            ReceiveCount = receiveCount,
        };
        _entries.Add(entry);
        _visible.Add(entry);
        NoteCounts(Now);
    }

    private void Remove(Entry entry)
    {
        if (entry.IsLeased) EndLease(entry);
        else _visible.Remove(entry);
        _entries.Remove(entry);
        _byReceipt.Remove(entry.Receipt);
        NoteCounts(Now);
    }

    private void Lease(Entry entry, TimeSpan lease)
    {
        _byReceipt.Remove(entry.Receipt);
        entry.ReceiveCount++;
        entry.Receipt = new Receipt((++_lastReceipt).ToString(CultureInfo.InvariantCulture));
        _byReceipt.Add(entry.Receipt, entry);
        if (lease <= TimeSpan.Zero) return;
        entry.VisibleAt = Now + lease;
        entry.IsLeased = true;
        _visible.Remove(entry);
        _leases.Enqueue(entry, entry.VisibleAt);
        _leasedOfGroup[entry.GroupId] = _leasedOfGroup.GetValueOrDefault(entry.GroupId) + 1;
    }

    private void Return(Entry entry)
    {
        var at = entry.VisibleAt < Now ? entry.VisibleAt : Now;
        EndLease(entry);
        _visible.Add(entry);
        NoteCounts(at);
    }

    private void EndLease(Entry entry)
    {
        entry.IsLeased = false;
        entry.VisibleAt = DateTimeOffset.MinValue;
        if (--_leasedOfGroup[entry.GroupId] == 0) _leasedOfGroup.Remove(entry.GroupId);
    }

    private void ReturnExpired()
    {
        var now = Now;
        while (NextExpiry() is { } at && at <= now) Return(_leases.Dequeue());
    }

    /// <summary>When the next lease ends. An entry of a lease that was renewed or ended meanwhile is skipped.</summary>
    private DateTimeOffset? NextExpiry()
    {
        while (_leases.TryPeek(out var entry, out var at))
        {
            if (entry.IsLeased && entry.VisibleAt == at) return at;
            _leases.Dequeue();
        }

        return null;
    }

    private QueueMeasure Count() => new(_visible.Count, _entries.Count - _visible.Count);

    private void NoteCounts(DateTimeOffset at)
    {
        if (CountsLag > TimeSpan.Zero) _laggingCounts.Enqueue((at, Count()));
    }

    private FakeMessage[] Messages(Func<Entry, bool> which) =>
        [.. _entries.Where(which).OrderBy(entry => entry.Number).Select(entry => entry.ToMessage())];

    private Task<IReadOnlyList<ReceivedMessage>> WaitForMessages(
        int maxMessages, TimeSpan wait, TimeSpan lease, CancellationToken stopWaiting)
    {
        Waiter waiter;
        lock (_lock)
        {
            var taken = Take(maxMessages, lease);
            if (taken.Count > 0 || wait <= TimeSpan.Zero)
                return Task.FromResult<IReadOnlyList<ReceivedMessage>>(taken);
            waiter = new Waiter(maxMessages, lease, stopWaiting);
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

    // A message whose lease ends also goes to a waiting poll.
    private void ArrangeWake()
    {
        var at = _waiters.Count > 0 ? NextExpiry() : null;
        if (at == _wakeAt) return;
        _wake?.Dispose();
        _wake = null;
        _wakeAt = at;
        if (at is not { } wakeAt) return;
        var wait = wakeAt - Now;
        _wake = time.CreateTimer(
            _ =>
            {
                lock (_lock)
                {
                    _wakeAt = null;
                    ServeWaiters();
                }
            },
            null, wait > TimeSpan.Zero ? wait : TimeSpan.Zero, System.Threading.Timeout.InfiniteTimeSpan);
    }

    private List<ReceivedMessage> Take(int maxMessages, TimeSpan lease)
    {
        ReturnExpired();
        var taken = new List<Entry>();
        var dead = new List<Entry>();
        foreach (var entry in _visible)
        {
            if (taken.Count == maxMessages) break;
            if (_leasedOfGroup.ContainsKey(entry.GroupId)) continue;
            (entry.ReceiveCount >= maxReceives ? dead : taken).Add(entry);
        }

        foreach (var entry in dead)
        {
            Remove(entry);
            _dead.Add(entry.ToMessage());
        }

        foreach (var entry in taken) Lease(entry, lease);
        if (taken.Count > 0) NoteCounts(Now);
        return
        [
            .. taken.Select(entry =>
                new ReceivedMessage(entry.Body, entry.GroupId, entry.Receipt, entry.ReceiveCount)
                {
                    SentAt = entry.SentAt,
                    ReceivedAt = Now,
                }),
        ];
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_lock) return read();
    }

    private sealed class Entry(long number, string body, string groupId, string deduplicationId)
    {
        public long Number { get; } = number;

        public string Body { get; } = body;

        public string GroupId { get; } = groupId;

        public DateTimeOffset SentAt { get; init; }

        public DateTimeOffset VisibleAt { get; set; } = DateTimeOffset.MinValue;

        public bool IsLeased { get; set; }

        public int ReceiveCount { get; set; }

        public Receipt Receipt { get; set; }

        public FakeMessage ToMessage() => new(Body, GroupId, deduplicationId, ReceiveCount);
    }

    private sealed class Waiter(int maxMessages, TimeSpan lease, CancellationToken caller)
    {
        public CancellationToken Caller { get; } = caller;

        public int MaxMessages { get; } = maxMessages;

        public TimeSpan Lease { get; } = lease;

        public ITimer? Timeout { get; set; }

        public CancellationTokenRegistration Stop { get; set; }

        public TaskCompletionSource<IReadOnlyList<ReceivedMessage>> Answer { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
