using System.Text.Json;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Startup;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Hosting;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Web.Batches;
using Xunit;

namespace ImageClassifier.Tests.CommandLine;

/// <summary>The verb <c>queue</c> with the data folder of a stopped service.</summary>
public sealed class QueueVerbSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _output = new();

    public void Dispose()
    {
        _folder.Dispose();
        _output.Dispose();
    }

    [Fact]
    public async Task It_lists_redrives_and_purges()
    {
        var dead = await GiveUpOnAsync(2);

        Assert.Equal(ExitCodes.Done, await RunAsync(QueueAction.List, json: true));
        var letters = Printed();
        Assert.Equal(2, letters.GetArrayLength());
        Assert.Equal(dead[0].Job.Value, letters[0].GetProperty("jobId").GetString());
        Assert.Equal("failed", letters[0].GetProperty("status").GetString());
        Assert.Equal(JobErrorCodes.TooManyAttempts, letters[0].GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("queued", letters[1].GetProperty("status").GetString());

        Assert.Equal(ExitCodes.Done, await RunAsync(QueueAction.List));
        Assert.Contains(dead[1].Job.Value, Text(), StringComparison.Ordinal);

        var unknown = JobId.New();
        Assert.Equal(ExitCodes.SomeFailed, await RunAsync(QueueAction.Redrive, json: true, dead[0].Job, unknown));
        var outcomes = Printed();
        Assert.Equal("redriven", outcomes[0].GetProperty("fate").GetString());
        Assert.Equal(2, outcomes[0].GetProperty("attempt").GetInt32());
        Assert.Equal("notFound", outcomes[1].GetProperty("fate").GetString());
        await using (var queue = new SqliteMessageQueue(Settings))
            Assert.Equal(1, (await queue.MeasureAsync(default)).Waiting);

        Assert.Equal(ExitCodes.Done, await RunAsync(QueueAction.Purge));
        Assert.Contains("purged", Text(), StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Done, await RunAsync(QueueAction.List, json: true));
        Assert.Equal(0, Printed().GetArrayLength());
        Assert.Equal(ExitCodes.Done, await RunAsync(QueueAction.List));
        Assert.Contains("empty", Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_callbacks_are_announced_listed_and_purged()
    {
        await GiveUpOnAsync(1);
        var (batch, job) = (BatchId.New(), JobId.New());
        await new FileObjectStore(Layout).PutAsync(
            CallbackKeys.DeadCallback(batch, new CallbackSubject(job, 1)),
            """{"reason":"it answered 500","diedAt":"2026-01-02T03:04:05Z"}"""u8.ToArray(), default);
        Assert.Equal(ExitCodes.Done, await RunAsync(QueueAction.List));
        Assert.Contains("--queue callbacks", Text(), StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Done, await RunAsync(QueueAction.List, LetterKind.Callbacks));
        var letter = Assert.Single(Printed().EnumerateArray());
        Assert.Equal(job.Value, letter.GetProperty("jobId").GetString());
        Assert.Equal("it answered 500", letter.GetProperty("error").GetProperty("message").GetString());

        Assert.Equal(ExitCodes.Done, await RunAsync(QueueAction.Purge, LetterKind.Callbacks));
        Text();
        Assert.Equal(ExitCodes.Done, await RunAsync(QueueAction.List));
        Assert.DoesNotContain("callbacks", Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_folder_is_wrong_use_and_is_not_created()
    {
        var missing = Path.Combine(_folder.Path, "missing");
        await Assert.ThrowsAsync<InvalidSettingException>(() => RunAsync(QueueAction.List, missing));
        Assert.False(Directory.Exists(missing));
    }

    private EmbeddedLayout Layout => new(_folder.Path);

    private SqliteQueueSettings Settings => new(Layout.RequestQueue, "requests", maxReceives: 20);

    private Task<int> RunAsync(QueueAction action, bool json = false, params JobId[] jobs) =>
        RunAsync(action, _folder.Path, json, jobs);

    private Task<int> RunAsync(QueueAction action, LetterKind letters) =>
        RunAsync(action, letters, _folder.Path, json: true, []);

    private Task<int> RunAsync(QueueAction action, string folder, bool json = false, params JobId[] jobs) =>
        RunAsync(action, LetterKind.Requests, folder, json, jobs);

    private Task<int> RunAsync(QueueAction action, LetterKind letters, string folder, bool json, JobId[] jobs)
    {
        var sources = new SettingsSources
        {
            Options = [new OptionValue("--data", EmbeddedLayout.DataFolderKey, folder)],
        };
        return QueueHosting.RunAsync(
            new QueueOptions(sources, action, letters, jobs.Length == 0 ? null : jobs, json),
            _output, width: null, CancellationToken.None);
    }

    private string Text()
    {
        var text = _output.ToString();
        _output.GetStringBuilder().Clear();
        return text;
    }

    private JsonElement Printed() => JsonSerializer.Deserialize<JsonElement>(Text());

    /// <summary>Jobs that were received too often. The first one has its failed result.</summary>
    private async Task<IReadOnlyList<ClassificationRequest>> GiveUpOnAsync(int count)
    {
        Layout.Create();
        var store = new FileObjectStore(Layout);
        var batch = BatchId.New();
        var jobs = Enumerable.Range(0, count).Select(i =>
        {
            var job = JobId.New();
            return ManifestJob.Accept(job, $"{i}.jpg", ObjectKeys.Image(batch, job, PictureFormat.Jpeg));
        });
        var manifest = new BatchManifest(batch, DateTimeOffset.UnixEpoch, [.. jobs]);
        await store.PutAsync(ObjectKeys.Manifest(batch), WireJson.WriteUtf8(manifest), default);
        var requests = manifest.Jobs.Select(job => manifest.Request(job, 1)).ToArray();
        await store.PutAsync(
            ObjectKeys.Result(batch, requests[0].Job),
            WireJson.WriteUtf8(Jobs.Failed(requests[0], JobErrorCodes.TooManyAttempts)), default);

        await using var queue = new SqliteMessageQueue(Settings);
        await queue.SendAsync([.. requests.Select(request => request.ToMessage())], default);
        while (await queue.ReceiveAsync(10, TimeSpan.Zero, TimeSpan.FromMinutes(1), default) is { Count: > 0 } received)
            await queue.ExtendAsync([.. received.Select(message => message.Receipt)], TimeSpan.Zero, default);
        return requests;
    }
}
