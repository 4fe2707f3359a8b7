using System.Collections.Concurrent;
using System.Diagnostics;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Xunit;

namespace ImageClassifier.Tests.Contracts;

/// <summary>A queue for one contract test, as several processes see it.</summary>
public interface IQueueUnderTest : IAsyncDisposable
{
    /// <summary>The queue in another process. Its receive limit is
    /// <see cref="MessageQueueContract.MaxReceives"/>.</summary>
    IMessageQueue Open();

    /// <summary>Its dead-letter queue.</summary>
    IMessageQueue OpenDeadLetters();
}

/// <summary>The contract of every <see cref="IMessageQueue"/>. Leases are whole seconds, because some queues know no
/// fractions. No test expects several messages of one group in one receive, because some queues return one at a
/// time.</summary>
public abstract class MessageQueueContract : IAsyncLifetime
{
    protected const int MaxReceives = 2;

    private static readonly TimeSpan ShortLease = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongLease = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ShortWait = TimeSpan.FromSeconds(1);

    private IQueueUnderTest _underTest = null!;
    private IMessageQueue _queue = null!;

    /// <summary>True if a message can be deleted after its lease has ended, while no other receiver has it. Some queues
    /// report a lost lease instead, and the message returns.</summary>
    protected virtual bool DeletesAfterLease => true;

    /// <summary>False for an emulator that accepts every receipt, although the real service refuses some. Other tests
    /// then cover the adapter's handling of the refusal.</summary>
    protected virtual bool RefusesStaleDeletes => true;

    /// <summary>The characters of a body. An emulator may refuse some that the service accepts.</summary>
    protected virtual string RichText => "grüße 🦊";

    protected abstract Task<IQueueUnderTest> CreateAsync();

    public async Task InitializeAsync()
    {
        _underTest = await CreateAsync();
        _queue = _underTest.Open();
    }

    public async Task DisposeAsync() => await _underTest.DisposeAsync();

    [SkippableFact]
    public async Task A_sent_message_is_received_with_its_body_and_group()
    {
        var body = $$"""{"text":"{{RichText}}","quote":"\"'"}""";
        AssertAllDone(await SendAsync(_queue, Message(body, group: "g-1")));

        var received = Assert.Single(await ReceiveAsync(_queue));

        Assert.Equal(body, received.Body);
        Assert.Equal("g-1", received.GroupId);
        Assert.Equal(1, received.ReceiveCount);
    }

    [SkippableFact]
    public async Task A_message_says_when_it_was_sent_and_first_received_by_the_clock_of_the_queue()
    {
        await SendAsync(_queue, Message("a"));
        var received = Assert.Single(await ReceiveAsync(_queue));
        Assert.InRange(received.ReceivedAt!.Value - received.SentAt!.Value, TimeSpan.Zero, LongWait);
    }

    [SkippableFact]
    public async Task A_received_message_is_hidden_from_others_until_its_lease_runs_out()
    {
        await SendAsync(_queue, Message("a"));
        var first = Assert.Single(await ReceiveAsync(_queue, lease: ShortLease));

        var other = _underTest.Open();
        Assert.Empty(await ReceiveAsync(other, wait: TimeSpan.Zero));
        var second = Assert.Single(await ReceiveAsync(other));

        Assert.Equal("a", second.Body);
        Assert.Equal(2, second.ReceiveCount);
        Assert.NotEqual(first.Receipt, second.Receipt);
    }

    [SkippableFact]
    public async Task A_deleted_message_is_never_received_again()
    {
        await SendAsync(_queue, Message("a"));
        var received = Assert.Single(await ReceiveAsync(_queue, lease: ShortLease));

        AssertAllDone(await _queue.DeleteAsync([received.Receipt], default));

        Assert.Empty(await ReceiveAsync(_queue, wait: ShortLease + ShortWait));
        Assert.Equal(0, (await _queue.MeasureAsync(default)).Backlog);
    }

    [SkippableFact]
    public async Task A_delete_after_the_lease_either_deletes_the_message_or_reports_a_lost_lease()
    {
        await SendAsync(_queue, Message("a"));
        var received = Assert.Single(await ReceiveAsync(_queue, lease: ShortLease));
        await IsWaitingAsync(_queue, 1);

        var outcome = Assert.Single(await _queue.DeleteAsync([received.Receipt], default));

        var expected = DeletesAfterLease ? QueueOutcomeKind.Done : QueueOutcomeKind.LeaseLost;
        if (RefusesStaleDeletes) Assert.Equal(expected, outcome.Kind);
        var left = await ReceiveAsync(_queue, wait: ShortWait);
        Assert.Equal(DeletesAfterLease ? 0 : 1, left.Count);
    }

    [SkippableFact]
    public async Task A_stale_receipt_cannot_delete_or_extend_a_message_that_another_consumer_holds()
    {
        await SendAsync(_queue, Message("a"));
        var stale = Assert.Single(await ReceiveAsync(_queue, lease: ShortLease)).Receipt;
        var current = Assert.Single(await ReceiveAsync(_underTest.Open(), lease: LongLease)).Receipt;

        var deleted = Assert.Single(await _queue.DeleteAsync([stale], default));
        var extended = Assert.Single(await _queue.ExtendAsync([stale], LongLease, default));

        if (RefusesStaleDeletes) Assert.Equal(QueueOutcomeKind.LeaseLost, deleted.Kind);
        Assert.Equal(QueueOutcomeKind.LeaseLost, extended.Kind);
        Assert.Equal(1, (await _queue.MeasureAsync(default)).InFlight);
        AssertAllDone(await _queue.DeleteAsync([current], default));
    }

    [SkippableFact]
    public async Task A_lease_that_is_renewed_hides_the_message_longer()
    {
        await SendAsync(_queue, Message("a"));
        var received = Assert.Single(await ReceiveAsync(_queue, lease: TimeSpan.FromSeconds(2)));

        AssertAllDone(await _queue.ExtendAsync([received.Receipt], LongLease, default));

        Assert.Empty(await ReceiveAsync(_underTest.Open(), wait: TimeSpan.FromSeconds(3)));
    }

    [SkippableFact]
    public async Task A_lease_that_has_run_out_cannot_be_renewed()
    {
        await SendAsync(_queue, Message("a"));
        var received = Assert.Single(await ReceiveAsync(_queue, lease: ShortLease));
        await IsWaitingAsync(_queue, 1);

        var outcome = Assert.Single(await _queue.ExtendAsync([received.Receipt], LongLease, default));

        Assert.Equal(QueueOutcomeKind.LeaseLost, outcome.Kind);
    }

    [SkippableFact]
    public async Task A_message_that_is_handed_back_is_received_again_at_once()
    {
        await SendAsync(_queue, Message("a"));
        var received = Assert.Single(await ReceiveAsync(_queue, lease: LongLease));

        AssertAllDone(await _queue.ExtendAsync([received.Receipt], TimeSpan.Zero, default));
        var again = Assert.Single(await ReceiveAsync(_underTest.Open()));

        Assert.Equal("a", again.Body);
        Assert.Equal(2, again.ReceiveCount);
    }

    [SkippableFact]
    public async Task Messages_of_a_group_come_in_the_order_of_sending()
    {
        var sent = Enumerable.Range(0, 25).Select(i => Message($"{i}", group: "one")).ToArray();
        foreach (var chunk in sent.Chunk(IMessageQueue.MaxBatch)) AssertAllDone(await SendAsync(_queue, chunk));

        var bodies = new List<string>();
        while (bodies.Count < sent.Length)
        {
            var received = await ReceiveAsync(_queue);
            Assert.NotEmpty(received);
            bodies.AddRange(received.Select(message => message.Body));
            AssertAllDone(await _queue.DeleteAsync(Receipts(received), default));
        }

        Assert.Equal(sent.Select(message => message.Body), bodies);
    }

    [SkippableFact]
    public async Task While_a_message_is_in_flight_no_later_one_of_its_group_is_received()
    {
        await SendAsync(_queue, Message("a1", group: "a"), Message("a2", group: "a"), Message("b1", group: "b"));
        var first = Assert.Single(await ReceiveAsync(_queue, max: 1));
        Assert.Equal("a1", first.Body);

        var other = _underTest.Open();
        Assert.Equal("b1", Assert.Single(await ReceiveAsync(other)).Body);
        Assert.Empty(await ReceiveAsync(other, wait: TimeSpan.Zero));

        AssertAllDone(await _queue.DeleteAsync([first.Receipt], default));
        Assert.Equal("a2", Assert.Single(await ReceiveAsync(other)).Body);
    }

    [SkippableFact]
    public async Task A_message_that_is_handed_back_is_received_again_before_later_ones_of_its_group()
    {
        await SendAsync(_queue, Message("1", group: "a"), Message("2", group: "a"));
        var first = Assert.Single(await ReceiveAsync(_queue, max: 1));

        await _queue.ExtendAsync([first.Receipt], TimeSpan.Zero, default);

        Assert.Equal("1", Assert.Single(await ReceiveAsync(_queue, max: 1)).Body);
    }

    [SkippableFact]
    public async Task A_second_message_with_the_same_deduplication_id_is_accepted_and_dropped()
    {
        var message = Message("once");
        AssertAllDone(await SendAsync(_queue, message));
        AssertAllDone(await SendAsync(_underTest.Open(), message with { Body = "twice" }, Message("other")));

        var bodies = (await ReceiveCountAsync(_queue, 2)).Select(received => received.Body);

        Assert.Equal(["once", "other"], bodies.Order());
        Assert.Empty(await ReceiveAsync(_queue, wait: ShortWait));
    }

    [SkippableFact]
    public async Task A_duplicate_is_dropped_even_after_the_first_was_deleted()
    {
        var message = Message("once");
        await SendAsync(_queue, message);
        await _queue.DeleteAsync(Receipts(await ReceiveAsync(_queue)), default);

        AssertAllDone(await SendAsync(_queue, message));

        Assert.Empty(await ReceiveAsync(_queue, wait: ShortWait));
    }

    [SkippableFact]
    public async Task A_message_that_was_received_too_often_goes_to_the_dead_letter_queue()
    {
        await SendAsync(_queue, Message("poison"), Message("good"));
        for (var i = 1; i <= MaxReceives; i++)
        {
            var received = await ReceiveCountAsync(_queue, i == 1 ? 2 : 1);
            var poison = received.Single(message => message.Body == "poison");
            Assert.Equal(i, poison.ReceiveCount);
            var others = received.Where(message => message != poison).ToArray();
            if (others.Length > 0) AssertAllDone(await _queue.DeleteAsync(Receipts(others), default));
            AssertAllDone(await _queue.ExtendAsync([poison.Receipt], TimeSpan.Zero, default));
        }

        Assert.Empty(await ReceiveAsync(_queue, wait: ShortWait));
        var dead = Assert.Single(await ReceiveAsync(_underTest.OpenDeadLetters()));

        Assert.Equal("poison", dead.Body);
        Assert.Equal(0, (await _queue.MeasureAsync(default)).Backlog);
    }

    [SkippableFact]
    public async Task Waiting_messages_and_messages_in_flight_are_counted_separately()
    {
        await SendAsync(_queue, [.. Enumerable.Range(0, 5).Select(i => Message($"{i}"))]);
        await ReceiveCountAsync(_queue, 2, max: 2);

        Assert.Equal(new QueueMeasure(Waiting: 3, InFlight: 2), await _queue.MeasureAsync(default));
    }

    [SkippableFact]
    public async Task An_empty_queue_returns_nothing_after_the_wait()
    {
        var clock = Stopwatch.StartNew();
        Assert.Empty(await ReceiveAsync(_queue, wait: ShortWait));
        Assert.InRange(clock.Elapsed, ShortWait * 0.9, LongWait);
    }

    [SkippableFact]
    public async Task A_waiting_receive_wakes_when_a_message_is_sent()
    {
        var waiting = ReceiveAsync(_queue, wait: LongWait);
        Assert.False(waiting.IsCompleted);
        var clock = Stopwatch.StartNew();
        await SendAsync(_underTest.Open(), Message("a"));

        Assert.Equal("a", Assert.Single(await waiting).Body);
        Assert.True(clock.Elapsed < LongWait / 2, $"It took {clock.Elapsed} to wake.");
    }

    [SkippableFact]
    public async Task Stopping_a_wait_fails_no_call_and_loses_no_message()
    {
        using var stop = new CancellationTokenSource();
        var waiting = _queue.ReceiveAsync(1, ShortWait, LongLease, stop.Token);
        await stop.CancelAsync();
        var received = (await waiting).ToList();

        await SendAsync(_queue, Message("a"));
        received.AddRange(await ReceiveAsync(_queue, max: 1));

        Assert.Equal("a", Assert.Single(received).Body);
    }

    [SkippableFact]
    public async Task A_wrong_entry_does_not_fail_the_others()
    {
        var outcomes = await SendAsync(
            _queue,
            Message("a"),
            Message(new string('x', (256 * 1024) + 1)),
            Message("b", group: new string('g', 129)),
            Message("c") with { DeduplicationId = new string('d', 129) },
            Message("d"));

        Assert.Equal(
            [
                QueueOutcomeKind.Done, QueueOutcomeKind.Invalid, QueueOutcomeKind.Invalid, QueueOutcomeKind.Invalid,
                QueueOutcomeKind.Done,
            ],
            outcomes.Select(outcome => outcome.Kind));
        Assert.All(outcomes, outcome => Assert.Equal(outcome.Succeeded, outcome.Reason is null));
        var received = await ReceiveCountAsync(_queue, 2);
        Assert.Equal(["a", "d"], received.Select(message => message.Body).Order());

        var deleted = await _queue.DeleteAsync([new Receipt("no receipt"), received[0].Receipt], default);
        Assert.Equal([!RefusesStaleDeletes, true], deleted.Select(outcome => outcome.Succeeded));
        var extended = await _queue.ExtendAsync([new Receipt("no receipt"), received[1].Receipt], LongLease, default);
        Assert.Equal([false, true], extended.Select(outcome => outcome.Succeeded));
    }

    [SkippableFact]
    public async Task The_largest_message_fits()
    {
        var body = new string('x', 256 * 1024);
        AssertAllDone(await SendAsync(_queue, new OutgoingMessage(body, new string('g', 128), new string('d', 128))));

        Assert.Equal(body, Assert.Single(await ReceiveAsync(_queue)).Body);
    }

    [SkippableFact]
    public async Task A_call_with_too_many_entries_is_refused()
    {
        var eleven = Enumerable.Range(0, 11).Select(i => Message($"{i}")).ToArray();
        var receipts = eleven.Select(_ => new Receipt("r")).ToArray();

        await Assert.ThrowsAnyAsync<ArgumentException>(() => SendAsync(_queue, eleven));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => ReceiveAsync(_queue, max: 11));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => ReceiveAsync(_queue, max: 0));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => _queue.DeleteAsync(receipts, default));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => _queue.ExtendAsync(receipts, LongLease, default));
    }

    [SkippableFact]
    public async Task Competing_consumers_receive_each_message_once_and_each_group_in_order()
    {
        const int groups = 20;
        const int perGroup = 10;
        var received = new ConcurrentQueue<(string Group, int Number)>();
        var consumers = Enumerable.Range(0, 4).Select(_ => ConsumeAsync(_underTest.Open())).ToArray();

        for (var number = 0; number < perGroup; number++)
        {
            var messages = Enumerable.Range(0, groups).Select(g => Message($"{number}", group: $"g{g}"));
            foreach (var chunk in messages.Chunk(IMessageQueue.MaxBatch))
                AssertAllDone(await SendAsync(_queue, chunk));
        }

        await Task.WhenAll(consumers);
        var byGroup = received.ToLookup(message => message.Group, message => message.Number);
        Assert.Equal(groups, byGroup.Count);
        Assert.All(byGroup, numbers => Assert.Equal(Enumerable.Range(0, perGroup), numbers));

        async Task ConsumeAsync(IMessageQueue queue)
        {
            while (received.Count < groups * perGroup)
            {
                var messages = await ReceiveAsync(queue, wait: ShortWait);
                if (messages.Count == 0) continue;
                foreach (var message in messages) received.Enqueue((message.GroupId, int.Parse(message.Body, null)));
                AssertAllDone(await queue.DeleteAsync(Receipts(messages), default));
            }
        }
    }

    protected static OutgoingMessage Message(string body, string? group = null)
    {
        var id = Guid.NewGuid().ToString("n");
        return new OutgoingMessage(body, group ?? id, id);
    }

    protected static Task<IReadOnlyList<QueueOutcome>> SendAsync(
        IMessageQueue queue, params OutgoingMessage[] messages) => queue.SendAsync(messages, default);

    protected static Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(
        IMessageQueue queue, int max = IMessageQueue.MaxBatch, TimeSpan? wait = null, TimeSpan? lease = null) =>
        queue.ReceiveAsync(max, wait ?? LongWait, lease ?? LongLease, default);

    protected static async Task<List<ReceivedMessage>> ReceiveCountAsync(
        IMessageQueue queue, int count, int max = IMessageQueue.MaxBatch)
    {
        var all = new List<ReceivedMessage>();
        while (all.Count < count)
        {
            var received = await ReceiveAsync(queue, max);
            Assert.NotEmpty(received);
            all.AddRange(received);
        }

        Assert.Equal(count, all.Count);
        return all;
    }

    protected static Receipt[] Receipts(IEnumerable<ReceivedMessage> messages) =>
        [.. messages.Select(message => message.Receipt)];

    protected static void AssertAllDone(IReadOnlyList<QueueOutcome> outcomes) =>
        Assert.All(outcomes, outcome => Assert.Equal(QueueOutcome.Done, outcome));

    /// <summary>Waits until this number of messages is visible again because their leases ended.</summary>
    private static Task IsWaitingAsync(IMessageQueue queue, int count) => Condition.BecomesTrueAsync(
        async () => (await queue.MeasureAsync(default)).Waiting == count, $"{count} messages wait");
}
