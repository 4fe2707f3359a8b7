using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

/// <summary>A queue's file that is older, newer, of another program, lost, replaced or damaged.</summary>
public sealed class QueueFileSpecs : IAsyncLifetime
{
    private const string FirstVersion = """
        CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, group_id TEXT NOT NULL, body TEXT NOT NULL,
            sent_at INTEGER NOT NULL, visible_at INTEGER NOT NULL DEFAULT 0, receives INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX messages_in_order ON messages (queue, id);
        CREATE INDEX messages_by_group ON messages (queue, group_id, visible_at);
        CREATE INDEX messages_received ON messages (queue, receives, visible_at) WHERE receives > 0;
        CREATE TABLE deduplication (
            queue TEXT NOT NULL, deduplication_id TEXT NOT NULL, sent_at INTEGER NOT NULL,
            PRIMARY KEY (queue, deduplication_id)) WITHOUT ROWID;
        CREATE INDEX deduplication_by_age ON deduplication (queue, sent_at);
        INSERT INTO messages (queue, group_id, body, sent_at) VALUES ('requests', 'g1', 'waiting', 1790000000000);
        INSERT INTO messages (queue, group_id, body, sent_at, visible_at, receives)
            VALUES ('requests', 'g2', 'leased', 1790000000000, 1890000000000, 1);
        INSERT INTO deduplication VALUES ('requests', 'd1', 1790000000000);
        """;

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

    private SqliteQueueSettings Settings => new(_folder.Layout.RequestQueue, "requests", maxReceives: 9);

    [Fact]
    public async Task Several_at_once_create_a_file_and_none_takes_it_for_another_programs()
    {
        for (var round = 0; round < 100; round++)
        {
            var settings = new SqliteQueueSettings(_folder.File($"{round}.db"), "requests", maxReceives: 9);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
            {
                await using var queue = new SqliteMessageQueue(settings, _time);
                Assert.Equal(0, (await queue.MeasureAsync(default)).Waiting);
            }));
        }
    }

    [Fact]
    public async Task A_file_of_the_first_version_is_migrated_with_its_messages()
    {
        Execute(FirstVersion);

        Assert.False(SqliteMessageQueue.OpenFile(Settings));
        var queue = Open();

        // Leases by the old clock have ended.
        Assert.Equal(["waiting", "leased"], (await ReceiveAsync(queue)).Select(message => message.Body));
        Assert.Equal(new QueueMeasure(0, 2), await queue.MeasureAsync(default));
        Assert.Equal("", await queue.ContentsAsync(default));
        Assert.Equal(3, Number("PRAGMA user_version"));
        Assert.NotEqual(0, Number("PRAGMA application_id"));
    }

    [Theory]
    [InlineData("PRAGMA user_version = 99", "newer version")]
    [InlineData("PRAGMA application_id = 77", "another program's database")]
    public async Task A_newer_or_foreign_file_is_refused_and_not_changed(string change, string reason)
    {
        await Open().SendAsync([Message("a")], default);
        await _opened[0].DisposeAsync();
        Execute(change);

        var refusal = Assert.Throws<ForeignDatabaseException>(() => SqliteMessageQueue.OpenFile(Settings));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<QueueUnavailableException>(() => Open().SendAsync([Message("b")], default));
        Assert.Equal(1, Number("SELECT count(*) FROM messages"));
    }

    [Fact]
    public void A_database_of_another_program_is_refused_and_not_changed()
    {
        Execute("CREATE TABLE messages (text); CREATE TABLE deduplication (text);");
        var before = File.ReadAllBytes(Settings.DatabasePath);

        Assert.Throws<ForeignDatabaseException>(() => SqliteMessageQueue.OpenFile(Settings));

        Assert.Equal(before, File.ReadAllBytes(Settings.DatabasePath));
    }

    [Fact]
    public void A_file_that_is_not_a_database_is_refused()
    {
        Directory.CreateDirectory(_folder.Layout.Queues);
        File.WriteAllText(Settings.DatabasePath, new string('?', 8192));

        var refusal = Assert.Throws<ForeignDatabaseException>(() => SqliteMessageQueue.OpenFile(Settings));

        Assert.Contains("damaged", refusal.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_missing_file_is_noticed_at_the_next_call_and_created_anew_after_a_while(bool withJournal)
    {
        SkipWhereOpenFilesStay();
        var queue = Open();
        var other = Open(Settings with { CreatesFile = false });
        await queue.SendAsync([Message("a")], default);
        await other.MeasureAsync(default);
        var contents = await queue.ContentsAsync(default);

        File.Delete(Settings.DatabasePath);
        if (withJournal)
        {
            File.Delete($"{Settings.DatabasePath}-wal");
            File.Delete($"{Settings.DatabasePath}-shm");
        }

        await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.MeasureAsync(default));
        await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.CheckAsync(default));
        await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.SendAsync([Message("b")], default));
        Assert.False(File.Exists(Settings.DatabasePath));

        _time.Pass(TimeSpan.FromSeconds(10));
        await Assert.ThrowsAsync<QueueUnavailableException>(() => other.MeasureAsync(default));
        await queue.SendAsync([Message("a")], default);

        Assert.NotEqual(contents, await queue.ContentsAsync(default));
        // The queue that had the lost file open now uses the new file.
        Assert.Equal(1, (await other.MeasureAsync(default)).Waiting);
        await other.SendAsync([Message("c")], default);
        Assert.Equal(2, (await ReceiveAsync(queue)).Count);
    }

    [SkippableFact]
    public async Task A_file_that_was_put_back_has_its_messages_and_a_new_identity()
    {
        SkipWhereOpenFilesStay();
        var queue = Open();
        await queue.SendAsync([Message("a")], default);
        var contents = await queue.ContentsAsync(default);

        File.Move(Settings.DatabasePath, _folder.File("aside"));
        await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.MeasureAsync(default));
        File.Move(_folder.File("aside"), Settings.DatabasePath);

        Assert.Equal(1, (await queue.MeasureAsync(default)).Waiting);
        // The file may be an older copy, so open jobs are sent again.
        Assert.NotEqual(contents, await queue.ContentsAsync(default));
    }

    [SkippableFact]
    public async Task A_replaced_file_is_noticed()
    {
        SkipWhereOpenFilesStay();
        var other = new SqliteQueueSettings(_folder.File("other.db"), "requests", maxReceives: 9);
        SqliteMessageQueue.OpenFile(other);
        var queue = Open();
        await queue.SendAsync([Message("a")], default);
        var contents = await queue.ContentsAsync(default);

        File.Delete($"{Settings.DatabasePath}-wal");
        File.Delete($"{Settings.DatabasePath}-shm");
        File.Move(other.DatabasePath, Settings.DatabasePath, overwrite: true);

        await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.MeasureAsync(default));
        Assert.Equal(0, (await queue.MeasureAsync(default)).Backlog);
        Assert.NotEqual(contents, await queue.ContentsAsync(default));
    }

    [SkippableFact]
    public async Task An_overwritten_file_is_noticed_although_much_of_it_is_in_memory()
    {
        SkipWhereOpenFilesStay();
        var queue = Open();
        await queue.SendAsync([Message("a")], default);
        Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        await queue.CheckAsync(default);

        var path = Settings.DatabasePath;
        await using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            await file.WriteAsync(Enumerable.Repeat((byte)'?', (int)file.Length).ToArray());
        _time.Pass(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.CheckAsync(default));

        await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.SendAsync([Message("b")], default));
        Assert.Equal((byte)'?', (await File.ReadAllBytesAsync(Settings.DatabasePath))[0]);
    }

    private static void SkipWhereOpenFilesStay() =>
        Skip.If(OperatingSystem.IsWindows(), "Windows deletes and replaces no open file");

    private SqliteMessageQueue Open(SqliteQueueSettings? settings = null)
    {
        var queue = new SqliteMessageQueue(settings ?? Settings, _time);
        _opened.Add(queue);
        return queue;
    }

    private static Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(SqliteMessageQueue queue) =>
        queue.ReceiveAsync(IMessageQueue.MaxBatch, TimeSpan.Zero, Lease, default);

    private static OutgoingMessage Message(string id) => new("body", id, id);

    private long Number(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private void Execute(string sql)
    {
        Directory.CreateDirectory(_folder.Layout.Queues);
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={Settings.DatabasePath};Pooling=False");
        connection.Open();
        return connection;
    }
}
