using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

/// <summary>Leases and deduplication are measured by the time since the machine started, which cannot be set.</summary>
public sealed class QueueClockSpecs : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly List<SqliteMessageQueue> _opened = [];
    private readonly MovableTime _time = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var queue in _opened) await queue.DisposeAsync();
        _folder.Remove();
    }

    [Theory]
    [InlineData(-7)]
    [InlineData(7)]
    public async Task Setting_the_wall_clock_changes_no_lease(int hours)
    {
        var queue = Open();
        await queue.SendAsync([Message("a")], default);
        Assert.Single(await ReceiveAsync(queue));

        _time.SetWallClock(TimeSpan.FromHours(hours));
        _time.Pass(Lease / 2);
        Assert.Empty(await ReceiveAsync(queue));
        Assert.Equal(new QueueMeasure(0, 1), await queue.MeasureAsync(default));
        _time.Pass(Lease / 2);

        Assert.Equal(2, Assert.Single(await ReceiveAsync(Open())).ReceiveCount);
    }

    [Theory]
    [InlineData(-7)]
    [InlineData(7)]
    public async Task Setting_the_wall_clock_changes_no_deduplication_window(int hours)
    {
        var queue = Open();
        await queue.SendAsync([Message("a")], default);

        _time.SetWallClock(TimeSpan.FromHours(hours));
        _time.Pass(TimeSpan.FromMinutes(4));
        await queue.SendAsync([Message("a")], default);
        Assert.Equal(1, (await queue.MeasureAsync(default)).Waiting);
        _time.Pass(TimeSpan.FromMinutes(1));
        await queue.SendAsync([Message("a")], default);

        Assert.Equal(2, (await queue.MeasureAsync(default)).Waiting);
    }

    [Fact]
    public async Task The_file_stores_leases_in_machine_time()
    {
        var queue = new SqliteMessageQueue(Settings);
        _opened.Add(queue);
        await queue.SendAsync([Message("a")], default);
        Assert.Single(await ReceiveAsync(queue));

        var sinceStart = MachineClock.OfThisMachine.Now;
        Assert.InRange(Number("SELECT free_at FROM messages"), sinceStart, sinceStart + (long)Lease.TotalMilliseconds);
        Assert.InRange(Number("SELECT taken_at FROM deduplication"), 0, sinceStart);
    }

    [Fact]
    public async Task A_restart_of_the_machine_ends_leases_and_restarts_windows()
    {
        var before = Open(boot: "first");
        await before.SendAsync([Message("a")], default);
        Assert.Single(await ReceiveAsync(before));
        await before.DisposeAsync();

        var after = Open(boot: "second");
        Assert.Equal(2, Assert.Single(await ReceiveAsync(after)).ReceiveCount);
        await after.SendAsync([Message("a")], default);
        Assert.Equal(1, (await after.MeasureAsync(default)).Backlog);
    }

    [Fact]
    public async Task Without_a_boot_id_a_time_far_in_the_future_shows_a_restart()
    {
        var before = Open(boot: "");
        await before.SendAsync([Message("a")], default);
        Assert.Single(await ReceiveAsync(before));
        await before.DisposeAsync();

        _time.Pass(-TimeSpan.FromMinutes(50));

        Assert.Single(await ReceiveAsync(Open(boot: "")));
    }

    // A waiter sleeps until then, because the end of a lease rings no bell.
    [Theory]
    [InlineData(10)]
    [InlineData(11)]
    public void A_receive_of_nothing_always_knows_when_the_next_lease_ends(int leaseMs)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Settings.DatabasePath)!);
        using var bell = Bell.For(Settings.DatabasePath, Settings.Name);
        using var session = new QueueSession(
            Settings, bell, null, new MachineClock(new PassingTime(), "first"), _time, create: true, rename: false);
        var lease = TimeSpan.FromMilliseconds(leaseMs);
        session.Send([Message("a")]);
        Assert.Single(session.Receive(1, lease).Messages);

        while (session.Receive(1, lease) is { Messages.Count: 0 } nothing)
            Assert.InRange(nothing.NextFree!.Value, TimeSpan.FromMilliseconds(1), lease);
    }

    private SqliteQueueSettings Settings => new(_folder.Layout.RequestQueue, "requests", maxReceives: 9);

    private SqliteMessageQueue Open(string boot = "first")
    {
        var queue = new SqliteMessageQueue(Settings, _time, new MachineClock(_time, boot));
        _opened.Add(queue);
        return queue;
    }

    private static Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(SqliteMessageQueue queue) =>
        queue.ReceiveAsync(1, TimeSpan.Zero, Lease, default);

    private static OutgoingMessage Message(string id) => new("body", id, id);

    /// <summary>A millisecond passes from each reading to the next.</summary>
    private sealed class PassingTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => ++_now;
    }

    private long Number(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Settings.DatabasePath};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }
}
