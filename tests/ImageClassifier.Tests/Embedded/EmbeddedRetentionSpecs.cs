using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Retention;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Contracts;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

public sealed class EmbeddedRetentionSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private EmbeddedLayout Layout => _folder.Layout;

    public void Dispose() => _folder.Remove();

    [Fact]
    public async Task What_is_older_than_the_retention_goes()
    {
        await FillAsync();

        var summary = await RunAsync(age: TimeSpan.FromDays(31));

        // Three objects; a waiting message and a dead one; an instance; its lock, its log and a half-written object.
        Assert.Equal(new RetentionSummary(Objects: 3, Messages: 2, Instances: 1, Files: 3), summary);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Layout.Objects));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Layout.Temporary));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Layout.Instances));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Layout.Logs));
        await using var queue = new SqliteMessageQueue(Queue);
        Assert.Equal(0, (await queue.MeasureAsync(default)).Backlog);
    }

    [Fact]
    public async Task What_is_younger_stays()
    {
        await FillAsync();

        var summary = await RunAsync(age: TimeSpan.FromHours(23));

        Assert.Equal(new RetentionSummary(0, 0, 0, 0), summary);
    }

    [Fact]
    public async Task What_was_left_half_written_goes_after_a_day()
    {
        await FillAsync();

        var summary = await RunAsync(age: TimeSpan.FromDays(2));

        Assert.Equal(new RetentionSummary(0, 0, 0, Files: 1), summary);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Layout.Temporary));
    }

    [Fact]
    public async Task A_node_that_lives_keeps_its_lock_and_its_entry()
    {
        Layout.Create();
        var id = InstanceId.Parse("node-1");
        await using var identity = await ProcessInstanceIdentity.StartAsync(Layout, id, null, default);

        var summary = await RunAsync(age: TimeSpan.FromDays(365));

        Assert.Equal(new RetentionSummary(0, 0, 0, 0), summary);
        Assert.True(File.Exists(Layout.InstanceLock(id)));
    }

    [Fact]
    public async Task An_empty_data_folder_is_no_error()
    {
        Assert.Equal(new RetentionSummary(0, 0, 0, 0), await RunAsync(age: TimeSpan.FromDays(31)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Layout.DataFolder));
    }

    [Fact]
    public async Task What_cannot_be_removed_keeps_nothing_else_from_going()
    {
        await FillAsync();
        await File.WriteAllTextAsync(Layout.ResponseQueue, new string('?', 8192));

        var summary = await RunAsync(age: TimeSpan.FromDays(31));

        Assert.Equal(new RetentionSummary(Objects: 3, Messages: 2, Instances: 1, Files: 3), summary);
    }

    [Fact]
    public async Task A_database_of_another_shape_keeps_nothing_else_from_going()
    {
        await FillAsync();
        await using (var connection = new SqliteConnection($"Data Source={Layout.ResponseQueue};Pooling=False"))
        {
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE messages (text)";
            await command.ExecuteNonQueryAsync();
        }

        var summary = await RunAsync(age: TimeSpan.FromDays(31));

        Assert.Equal(new RetentionSummary(Objects: 3, Messages: 2, Instances: 1, Files: 3), summary);
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_made_is_refused_by_the_name_of_its_key()
    {
        await File.WriteAllTextAsync(_folder.File("file"), "");

        var refusal = Assert.Throws<InvalidSettingException>(() => new EmbeddedLayout(_folder.File("file")).Create());

        Assert.Equal("image-classifier.embedded.data", refusal.Key);
        Assert.Throws<InvalidSettingException>(() => new EmbeddedLayout(" "));
    }

    private SqliteQueueSettings Queue => new(Layout.RequestQueue, "requests", maxReceives: 1);

    private Task<RetentionSummary> RunAsync(TimeSpan age) =>
        new EmbeddedRetention(
            Layout, new RetentionSettings(TimeSpan.FromDays(30)), NullLogger<EmbeddedRetention>.Instance,
            new SkewedTimeProvider(age)).RunOnceAsync(default);

    private async Task FillAsync()
    {
        Layout.Create();
        var store = new FileObjectStore(Layout);
        await store.PutIfAbsentAsync("images/batch/1.jpg", new byte[10], default);
        await store.PutIfAbsentAsync("batches/batch/manifest.json", new byte[10], default);
        await store.PutAsync("nodes/node-1.json", new byte[10], default);
        await File.WriteAllTextAsync(Path.Combine(Layout.Temporary, "left.tmp"), "half");

        await using var queue = new SqliteMessageQueue(Queue);
        await queue.SendAsync([new OutgoingMessage("dead", "a", "a")], default);
        var received = Assert.Single(await ReceiveAsync());
        await queue.ExtendAsync([received.Receipt], TimeSpan.Zero, default);
        Assert.Empty(await ReceiveAsync());
        await queue.SendAsync([new OutgoingMessage("waiting", "b", "b")], default);

        var id = InstanceId.Parse("node-1");
        await using var identity = await ProcessInstanceIdentity.StartAsync(Layout, id, null, default);
        await identity.EndAsync(default);
        await File.WriteAllTextAsync(Layout.InstanceLog(id), "a line");

        Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync() =>
            queue.ReceiveAsync(1, TimeSpan.Zero, TimeSpan.FromSeconds(9), default);
    }
}
