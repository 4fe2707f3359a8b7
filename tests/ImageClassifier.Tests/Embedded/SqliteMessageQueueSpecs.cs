using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Contracts;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

public sealed class SqliteMessageQueueSpecs : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(15);

    private readonly TemporaryFolder _folder = new();
    private readonly List<SqliteMessageQueue> _opened = [];

    private SqliteQueueSettings Settings => new(_folder.Layout.RequestQueue, "requests", maxReceives: 3);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var queue in _opened) await queue.DisposeAsync();
        _folder.Remove();
    }

    [Fact]
    public async Task Messages_and_leases_survive_the_process()
    {
        var before = Open();
        await before.SendAsync([Message("leased"), Message("waiting")], default);
        var leased = Assert.Single(await before.ReceiveAsync(1, TimeSpan.Zero, Lease, default));
        await before.DisposeAsync();

        var after = Open();
        Assert.Equal("waiting", Assert.Single(await ReceiveNowAsync(after)).Body);
        Assert.True(Assert.Single(await after.DeleteAsync([leased.Receipt], default)).Succeeded);
    }

    [SkippableFact]
    public async Task A_queue_without_write_permission_refuses_for_good()
    {
        Requirement.Met(Directory.Exists("/sys/kernel"), "no folder is known that forbids everyone to write");
        var queue = Open(new SqliteQueueSettings("/sys/kernel/image-classifier/queue.db", "requests", maxReceives: 3));

        await Assert.ThrowsAsync<QueueRefusedException>(() => queue.MeasureAsync(default));
    }

    [Fact]
    public async Task Several_messages_of_a_group_come_in_one_receive_in_order()
    {
        var queue = Open();
        await queue.SendAsync([.. Enumerable.Range(0, 10).Select(i => Message($"{i}", "one"))], default);

        var received = await ReceiveNowAsync(queue);

        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"{i}"), received.Select(message => message.Body));
    }

    [Fact]
    public async Task A_deduplication_id_is_free_again_after_the_window()
    {
        var queue = Open(Settings with { DeduplicationWindow = TimeSpan.FromMilliseconds(100) });
        var message = Message("again");
        await queue.SendAsync([message], default);

        await Condition.BecomesTrueAsync(
            async () =>
            {
                await queue.SendAsync([message], default);
                return (await queue.MeasureAsync(default)).Waiting == 2;
            },
            "the same deduplication id is taken");
    }

    [Fact]
    public async Task Queues_in_one_file_do_not_mix()
    {
        var requests = Open();
        var others = Open(new SqliteQueueSettings(_folder.Layout.RequestQueue, "others", maxReceives: 3));
        var message = Message("same", "group");
        await requests.SendAsync([message], default);
        await others.SendAsync([message], default);

        var received = Assert.Single(await ReceiveNowAsync(requests));
        Assert.Single(await ReceiveNowAsync(others));
        Assert.Equal(
            QueueOutcomeKind.LeaseLost, Assert.Single(await others.DeleteAsync([received.Receipt], default)).Kind);
        Assert.Equal(new QueueMeasure(0, 1), await requests.MeasureAsync(default));
    }

    [Fact]
    public async Task Deleting_twice_succeeds()
    {
        var queue = Open();
        await queue.SendAsync([Message("a")], default);
        var receipt = Assert.Single(await ReceiveNowAsync(queue)).Receipt;

        Assert.True(Assert.Single(await queue.DeleteAsync([receipt], default)).Succeeded);
        Assert.True(Assert.Single(await queue.DeleteAsync([receipt], default)).Succeeded);
    }

    [Fact]
    public async Task A_dead_letter_queue_has_no_limit_of_receives()
    {
        var queue = Open();
        await queue.SendAsync([Message("poison")], default);
        for (var i = 0; i < 3; i++) await HandBackAsync(queue, await ReceiveNowAsync(queue));
        Assert.Empty(await ReceiveNowAsync(queue));

        var dead = Open(Settings.DeadLetters());
        for (var i = 0; i < 5; i++) await HandBackAsync(dead, await ReceiveNowAsync(dead));

        Assert.Equal("poison", Assert.Single(await ReceiveNowAsync(dead)).Body);
    }

    [Fact]
    public async Task A_send_of_another_process_wakes_a_waiting_receive_without_polling()
    {
        var waiting = await WaitingReceiveAsync();

        await Open().SendAsync([Message("a")], default);

        Assert.Equal("a", Assert.Single(await waiting.WaitAsync(Bound)).Body);
    }

    [Fact]
    public async Task Handing_back_wakes_a_waiting_receive_without_polling()
    {
        var queue = Open();
        await queue.SendAsync([Message("a")], default);
        var received = await ReceiveNowAsync(queue);
        var waiting = await WaitingReceiveAsync();

        await HandBackAsync(queue, received);

        Assert.Equal(2, Assert.Single(await waiting.WaitAsync(Bound)).ReceiveCount);
    }

    [Fact]
    public async Task Deleting_wakes_a_receive_that_waits_for_the_next_message_of_the_group()
    {
        var queue = Open();
        await queue.SendAsync([Message("1", "one"), Message("2", "one")], default);
        var first = Assert.Single(await queue.ReceiveAsync(1, TimeSpan.Zero, Lease, default));
        var waiting = await WaitingReceiveAsync();

        await queue.DeleteAsync([first.Receipt], default);

        Assert.Equal("2", Assert.Single(await waiting.WaitAsync(Bound)).Body);
    }

    [Fact]
    public async Task Cancelling_a_wait_ends_it_at_once()
    {
        using var stop = new CancellationTokenSource();
        var waiting = await WaitingReceiveAsync(stop.Token);
        Assert.False(waiting.IsCompleted);

        await stop.CancelAsync();

        Assert.Empty(await waiting.WaitAsync(Bound));
    }

    [Fact]
    public async Task A_receive_cancelled_before_its_start_takes_nothing()
    {
        var queue = Open();
        await queue.SendAsync([Message("a")], default);

        Assert.Empty(await queue.ReceiveAsync(1, LongWait, Lease, new CancellationToken(canceled: true)));
        Assert.Equal(1, (await queue.MeasureAsync(default)).Waiting);
    }

    [Fact]
    public async Task A_damaged_file_makes_the_queue_unavailable_until_it_is_repaired()
    {
        Directory.CreateDirectory(_folder.Layout.Queues);
        await File.WriteAllTextAsync(Settings.DatabasePath, new string('?', 8192));
        var queue = Open();

        await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.SendAsync([Message("a")], default));
        await Assert.ThrowsAsync<QueueUnavailableException>(() => ReceiveNowAsync(queue));

        File.Delete(Settings.DatabasePath);
        await queue.SendAsync([Message("a")], default);
        Assert.Single(await ReceiveNowAsync(queue));
    }

    [Fact]
    public async Task A_locked_file_makes_the_queue_unavailable_until_it_is_free()
    {
        var queue = Open();
        await queue.SendAsync([Message("a")], default);
        using (var other = new SqliteConnection($"Data Source={Settings.DatabasePath};Pooling=False"))
        {
            other.Open();
            using var locking = other.BeginTransaction(deferred: false);
            await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.SendAsync([Message("b")], default));
        }

        await queue.SendAsync([Message("c")], default);
        Assert.Equal(["a", "c"], (await ReceiveNowAsync(queue)).Select(message => message.Body));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_created_makes_the_queue_unavailable()
    {
        await File.WriteAllTextAsync(_folder.File("queues"), "a file where the folder should be");

        await Assert.ThrowsAsync<QueueUnavailableException>(() => Open().MeasureAsync(default));
    }

    [Fact]
    public async Task A_closed_queue_refuses_calls()
    {
        var queue = Open();
        await queue.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => queue.MeasureAsync(default));
    }

    private SqliteMessageQueue Open(SqliteQueueSettings? settings = null, TimeProvider? time = null)
    {
        var queue = new SqliteMessageQueue(settings ?? Settings, time);
        _opened.Add(queue);
        return queue;
    }

    /// <summary>A receive that has polled once, found nothing, and waits while time stands still.</summary>
    private async Task<Task<IReadOnlyList<ReceivedMessage>>> WaitingReceiveAsync(CancellationToken stop = default)
    {
        var queue = Open(time: new FrozenTimeProvider());
        var waiting = queue.ReceiveAsync(1, LongWait, Lease, stop);
        // Calls of one queue run in turn. So the receive has polled when this call returns.
        await queue.MeasureAsync(default);
        return waiting;
    }

    private static Task<IReadOnlyList<ReceivedMessage>> ReceiveNowAsync(SqliteMessageQueue queue) =>
        queue.ReceiveAsync(IMessageQueue.MaxBatch, TimeSpan.Zero, Lease, default);

    private static async Task HandBackAsync(SqliteMessageQueue queue, IReadOnlyList<ReceivedMessage> received)
    {
        var outcomes = await queue.ExtendAsync(
            [.. received.Select(message => message.Receipt)], TimeSpan.Zero, default);
        Assert.True(Assert.Single(outcomes).Succeeded);
    }

    private static OutgoingMessage Message(string body, string? group = null)
    {
        var id = Guid.NewGuid().ToString("n");
        return new OutgoingMessage(body, group ?? id, id);
    }
}
