using System.Reflection;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Retention;
using ImageClassifier.Adapters.Embedded.Startup;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;
using ImageClassifier.Tests.Contracts;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

public sealed class EmbeddedRetentionSpecs : IDisposable
{
    private static readonly BatchId Batch = BatchId.New();
    private static readonly JobId Job = JobId.New();
    private static readonly ModelReference Model = new("fruit", new string('a', 64));

    private readonly TemporaryFolder _folder = new();

    private EmbeddedLayout Layout => _folder.Layout;

    public void Dispose() => _folder.Remove();

    [Fact]
    public async Task Data_older_than_the_retention_is_deleted()
    {
        await FillAsync();

        var summary = await RunAsync(age: TimeSpan.FromDays(31));

        // Three objects; a waiting and a dead message; an instance; its lock, its log and a temporary file.
        Assert.Equal(new RetentionSummary(Objects: 3, Messages: 2, Instances: 1, Files: 3), summary);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Layout.Objects));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Layout.Temporary));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Layout.Instances));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Layout.Logs));
        await using var queue = new SqliteMessageQueue(Queue);
        Assert.Equal(0, (await queue.MeasureAsync(default)).Backlog);
    }

    [Fact]
    public async Task Younger_data_stays()
    {
        await FillAsync();

        var summary = await RunAsync(age: TimeSpan.FromMinutes(59));

        Assert.Equal(new RetentionSummary(0, 0, 0, 0), summary);
    }

    [Fact]
    public async Task Models_stay_at_any_age()
    {
        await FillAsync();
        var store = new FileObjectStore(Layout);
        string[] keys =
        [
            RegistryKeys.Rollout, RegistryKeys.Files(Model), RegistryKeys.Verdict(Model),
            RegistryKeys.File(Model, new PushedFile("model.onnx", 10, new string('b', 64))),
        ];
        foreach (var key in keys) await store.PutAsync(key, new byte[10], default);

        var summary = await RunAsync(age: TimeSpan.FromDays(3650));

        Assert.Equal(3, summary.Objects);
        Assert.Equal(
            keys.Order(StringComparer.Ordinal),
            await store.ListAsync("", default).Select(found => found.Key).ToListAsync());
    }

    [Fact]
    public async Task Temporary_files_are_deleted_after_an_hour()
    {
        await FillAsync();

        var summary = await RunAsync(age: TimeSpan.FromHours(2));

        Assert.Equal(new RetentionSummary(0, 0, 0, Files: 1), summary);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Layout.Temporary));
    }

    [Fact]
    public async Task A_live_node_keeps_its_lock_and_its_row()
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
    public async Task A_failed_deletion_stops_no_other()
    {
        await FillAsync();
        await File.WriteAllTextAsync(Layout.ResponseQueue, new string('?', 8192));

        var summary = await RunAsync(age: TimeSpan.FromDays(31));

        Assert.Equal(new RetentionSummary(Objects: 3, Messages: 2, Instances: 1, Files: 3), summary);
    }

    [Fact]
    public async Task A_foreign_database_stops_no_other_deletion()
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

    [SkippableFact]
    public async Task Files_of_someone_else_stay_at_any_age_and_place()
    {
        Skip.If(OperatingSystem.IsWindows(), "making links needs a privilege on Windows");
        await FillAsync();
        var planted = PlantForeignFiles();

        await RunAsync(age: TimeSpan.FromDays(3650));

        Assert.All(planted, file => Assert.True(File.Exists(file), $"{file} was removed."));
        Assert.Equal("secret", await File.ReadAllTextAsync(planted[^1]));
    }

    [SkippableFact]
    public async Task A_folder_that_became_a_link_is_not_followed()
    {
        Skip.If(OperatingSystem.IsWindows(), "making links needs a privilege on Windows");
        await FillAsync();
        string[] folders = [Layout.Temporary, Layout.Logs, Layout.Instances, Layout.Objects];
        // Files behind a link are not the program's, even if their names are.
        var moved = folders.Select(folder =>
        {
            var elsewhere = $"{folder}-elsewhere";
            Directory.Move(folder, elsewhere);
            Directory.CreateSymbolicLink(folder, elsewhere);
            return elsewhere;
        }).SelectMany(folder => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)).ToArray();
        Assert.True(moved.Length >= 6);

        await RunAsync(age: TimeSpan.FromDays(3650));

        Assert.All(moved, file => Assert.True(File.Exists(file), $"{file} was removed."));
    }

    [SkippableFact]
    public async Task Deleting_a_batch_removes_nothing_behind_a_link()
    {
        Skip.If(OperatingSystem.IsWindows(), "making links needs a privilege on Windows");
        Layout.Create();
        var store = new FileObjectStore(Layout);
        var elsewhere = Directory.CreateDirectory(_folder.File("elsewhere")).FullName;
        var picture = Path.Combine(elsewhere, $"{Job}.jpg");
        await File.WriteAllTextAsync(picture, "mine");
        Directory.CreateDirectory(Path.Combine(Layout.Objects, "images"));
        Directory.CreateSymbolicLink(Path.Combine(Layout.Objects, "images", Batch.Value), elsewhere);

        Assert.Empty(await store.ListAsync(ObjectKeys.ImagesOf(Batch), default).ToListAsync());
        await Assert.ThrowsAsync<IOException>(
            () => store.DeleteAsync(ObjectKeys.Image(Batch, Job, PictureFormat.Jpeg), default));

        Assert.True(File.Exists(picture));
    }

    [Fact]
    public void Every_key_of_the_program_is_recognised_as_its_own()
    {
        object Sample(Type type) =>
            type == typeof(BatchId) ? Batch
            : type == typeof(JobId) ? Job
            : type == typeof(InstanceId) ? InstanceId.Parse("node-0123456789ab")
            : type == typeof(PictureFormat) ? PictureFormat.Png
            : type == typeof(int) ? 2
            : type == typeof(DateTimeOffset) ? DateTimeOffset.UnixEpoch
            : type == typeof(ModelReference) ? Model
            : type == typeof(CallbackSubject) ? new CallbackSubject(Job, 2)
            : type == typeof(WaitingCallback) ? new WaitingCallback(
                Batch, new CallbackSubject(null, 12), "0123abcd", DateTimeOffset.UnixEpoch)
            : type == typeof(PushedFile) ? new PushedFile("model.onnx", 1, new string('b', 64))
            : new string('a', 64);
        var keys = ((Type[])[typeof(ObjectKeys), typeof(RegistryKeys), typeof(CallbackKeys), typeof(RepeatKeys)])
            .SelectMany(holder => holder.GetMethods(BindingFlags.Public | BindingFlags.Static))
            .Where(method => method.ReturnType == typeof(string))
            .Select(method => (string)method.Invoke(
                null, [.. method.GetParameters().Select(parameter => Sample(parameter.ParameterType))])!)
            .Where(key => !key.EndsWith('/'))
            .ToArray();

        Assert.True(keys.Length >= 12);
        Assert.All(keys, key => Assert.True(OwnKeys.Contains(key), $"{key} would be kept for ever."));
        Assert.False(OwnKeys.Contains($"images/{Batch}/holiday.jpg"));
        Assert.False(OwnKeys.Contains("notes.txt"));
        Assert.False(OwnKeys.Contains("models/notes.txt"));
        Assert.False(OwnKeys.Contains("launches/notes.txt"));
        foreach (var name in new[] { "Fruit", "fruit.", "active.json" })
            Assert.False(OwnKeys.Contains($"models/{name}/{Model.Sha256}/files.json"));
        Assert.False(OwnKeys.Contains($"models/fruit/{Model.Sha256}/model.onnx"));
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_created_is_refused_with_its_key()
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

    /// <summary>Old files of someone else, in every folder and behind links in them.</summary>
    private string[] PlantForeignFiles()
    {
        var outside = Directory.CreateDirectory(_folder.File("outside")).FullName;
        var secret = Plant(outside, "secret");
        string[] names = ["notes.txt", "app.log", "backup.lock", "draft.tmp", "node-1.txt", $"{Job}.jpg"];
        string[] folders =
        [
            Layout.Temporary, Layout.Logs, Layout.Instances, Layout.Objects, Layout.Queues, Layout.DataFolder,
            Path.Combine(Layout.Temporary, "nested"), Path.Combine(Layout.Logs, "nested"),
            Path.Combine(Layout.Objects, "images", "holiday"), Path.Combine(Layout.Objects, "images"),
        ];
        var planted = folders.SelectMany(folder => names.Select(name => Plant(folder, name))).ToList();
        planted.Add(Plant(Path.Combine(Layout.Objects, "images", Batch.Value), "notes.txt"));

        // Links with the program's names that lead out, to a file and to a folder.
        var target = Plant(outside, $"{Job}.jpg");
        File.CreateSymbolicLink(Layout.NewTemporaryFile(), secret);
        File.CreateSymbolicLink(Path.Combine(Layout.Logs, "node-0123456789ab.log"), secret);
        File.CreateSymbolicLink(Path.Combine(Layout.Instances, "node-0123456789ab.lock"), secret);
        Directory.CreateSymbolicLink(Path.Combine(Layout.Objects, "images", BatchId.New().Value), outside);
        Directory.CreateSymbolicLink(Path.Combine(Layout.Temporary, "link"), outside);
        return [.. planted, target, secret];
    }

    private static string Plant(string folder, string name)
    {
        var file = Path.Combine(Directory.CreateDirectory(folder).FullName, name);
        File.WriteAllText(file, "secret");
        return file;
    }

    private async Task FillAsync()
    {
        Layout.Create();
        var store = new FileObjectStore(Layout);
        await store.PutIfAbsentAsync(ObjectKeys.Image(Batch, Job, PictureFormat.Jpeg), new byte[10], default);
        await store.PutIfAbsentAsync(ObjectKeys.Manifest(Batch), new byte[10], default);
        await store.PutAsync(ObjectKeys.Node(InstanceId.Parse("node-0123456789ab")), new byte[10], default);
        await File.WriteAllTextAsync(Layout.NewTemporaryFile(), "half");

        await using var queue = new SqliteMessageQueue(Queue);
        await queue.SendAsync([new OutgoingMessage("dead", "a", "a")], default);
        var received = Assert.Single(await ReceiveAsync());
        await queue.ExtendAsync([received.Receipt], TimeSpan.Zero, default);
        Assert.Empty(await ReceiveAsync());
        await queue.SendAsync([new OutgoingMessage("waiting", "b", "b")], default);

        var id = InstanceId.Parse("node-1");
        await using var identity = await ProcessInstanceIdentity.StartAsync(Layout, id, null, default);
        await identity.EndAsync(default);
        await File.WriteAllTextAsync(Path.Combine(Layout.Logs, $"{id.Value}.log"), "a line");

        Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync() =>
            queue.ReceiveAsync(1, TimeSpan.Zero, TimeSpan.FromSeconds(9), default);
    }
}
