using System.Security.Cryptography;
using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Uploads;

/// <summary>Uploads with one key on several web nodes. Each node has an actor of its own; all share the store, whose
/// clock differs from the nodes' clock.</summary>
public sealed class UploadRequestSpecs : WebSpecs
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly InMemoryObjectStore _store;
    private readonly Nodes _nodes;

    public UploadRequestSpecs(ITestOutputHelper output)
        : base(output)
    {
        _store = new InMemoryObjectStore(new SkewedTime(Time, -Minute));
        _nodes = new Nodes(this);
    }

    [Fact]
    public async Task A_running_upload_is_under_way_on_every_node_however_long_it_takes()
    {
        var held = HoldPictures();
        var first = _nodes.UploadAsync("a.jpg");
        await UntilAsync(() => _store.CallsOf(StoreCall.Put) == 2, "the first is under way");
        for (var minutes = 0; minutes < 20; minutes++)
        {
            await AdvanceAsync(Minute, 10 * Second);
            await AssertUnderWayAsync(await _nodes.UploadAsync("a.jpg"));
        }

        held.SetResult();
        var accepted = Assert.IsType<UploadOutcome.Accepted>(await first);
        var repeated = Assert.IsType<UploadOutcome.Accepted>(await _nodes.UploadAsync("a.jpg"));
        Assert.Equal(accepted.Manifest.Batch, repeated.Manifest.Batch);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(14, false)]
    [InlineData(16, true)]
    [InlineData(599, true)]
    [InlineData(601, false)]
    [InlineData(960, false)]
    public async Task A_broken_off_upload_can_be_resumed_after_a_minute_until_its_removal_is_near(
        int age, bool isResumed)
    {
        var batch = await BreakOffAsync(hasEnded: false);
        await AdvanceAsync(age * Second, Minute);

        var outcome = await _nodes.UploadAsync("a.jpg");
        if (isResumed) Assert.Equal(batch, Assert.IsType<UploadOutcome.Accepted>(outcome).Manifest.Batch);
        else await AssertUnderWayAsync(outcome);
    }

    [Fact]
    public async Task An_upload_that_noted_its_end_can_be_resumed_at_once()
    {
        var batch = await BreakOffAsync(hasEnded: true);
        Assert.Equal(
            batch, Assert.IsType<UploadOutcome.Accepted>(await _nodes.UploadAsync("a.jpg")).Manifest.Batch);
    }

    [Fact]
    public async Task A_paused_upload_that_was_swept_is_not_accepted_and_its_key_is_free()
    {
        var held = HoldPictures();
        var paused = _nodes.UploadAsync("a.jpg");
        await UntilAsync(() => _store.CallsOf(StoreCall.Put) == 2, "the upload is under way");
        var batch = RunningBatch();
        // A paused process renews nothing. Its marker disappears in the sweep.
        _store.Before = (call, key) => call == StoreCall.Put && key == ObjectKeys.OpenMarker(batch)
            ? Task.FromException(new IOException("Paused."))
            : Task.CompletedTask;
        await AdvanceAsync(16 * Minute, Minute);
        Sys.ActorOf(Props.Create(() => new AbandonedUploadsActor(_store, Uploading)));
        await AdvanceAsync(2 * Minute, Minute);
        await UntilAsync(() => _store.Keys.Contains(ObjectKeys.Manifest(batch)), "the upload is entombed");

        held.SetResult();
        Assert.IsType<UploadOutcome.Refused>(await paused);
        Assert.Null((await _store.ReadDocumentAsync<BatchManifest>(
            ObjectKeys.Manifest(batch), CancellationToken.None)).OrNull);
        _store.Before = null;
        var next = Assert.IsType<UploadOutcome.Accepted>(await _nodes.UploadAsync("a.jpg"));
        Assert.NotEqual(batch, next.Manifest.Batch);
        await AdvanceUntilAsync(() => !_store.Keys.Any(key => key.Contains(batch.Value)), "nothing is left", Minute);
    }

    [Fact]
    public async Task A_paused_upload_that_another_request_resumed_gives_way_and_removes_nothing()
    {
        var held = HoldPictures();
        var paused = _nodes.UploadAsync("a.jpg");
        await UntilAsync(() => _store.CallsOf(StoreCall.Put) == 2, "the upload is under way");
        var batch = RunningBatch();
        _store.Before = (call, _) => call == StoreCall.Get ? Task.FromException(new IOException("Paused."))
            : Task.CompletedTask;
        await AdvanceAsync(2 * Minute, 10 * Second);
        _store.Before = null;
        var resumed = Assert.IsType<UploadOutcome.Accepted>(await _nodes.UploadAsync("a.jpg"));
        Assert.Equal(batch, resumed.Manifest.Batch);

        held.SetResult();
        await AssertUnderWayAsync(await paused);
        var picture = Assert.Single(resumed.Manifest.Jobs).ImageKey;
        Assert.Contains(picture, _store.Keys);
        Assert.Contains(ObjectKeys.OpenMarker(batch), _store.Keys);
    }

    [Fact]
    public async Task Requests_that_resume_one_upload_together_make_one_batch_with_all_its_pictures()
    {
        for (var round = 0; round < 20; round++)
        {
            var key = $"key-{round}";
            var batch = await BreakOffAsync(hasEnded: true, key);
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => _nodes.UploadAsync("a.jpg", key)));

            foreach (var outcome in outcomes)
            {
                if (outcome is UploadOutcome.Accepted accepted) Assert.Equal(batch, accepted.Manifest.Batch);
                else await AssertUnderWayAsync(outcome);
            }

            // A later request is accepted at the latest.
            await AdvanceAsync(2 * Minute, Minute);
            var final = Assert.IsType<UploadOutcome.Accepted>(await _nodes.UploadAsync("a.jpg", key));
            Assert.Equal(batch, final.Manifest.Batch);
            Assert.Contains(Assert.Single(final.Manifest.Jobs).ImageKey, _store.Keys);
        }
    }

    [Fact]
    public async Task The_next_file_is_read_while_a_file_is_stored()
    {
        var held = HoldPictures();
        var upload = _nodes.UploadAsync(Pictures("a.jpg", "b.jpg", "c.jpg"));
        await UntilAsync(() => _store.CallsOf(StoreCall.Put) == 3, "two pictures are being stored");
        await SettleAsync();
        Assert.Equal(3, _store.CallsOf(StoreCall.Put));

        held.SetResult();
        var accepted = Assert.IsType<UploadOutcome.Accepted>(await upload);
        Assert.Equal(["a.jpg", "b.jpg", "c.jpg"], accepted.Manifest.Jobs.Select(job => job.FileName));
        Assert.All(accepted.Manifest.Jobs, job => Assert.Contains(job.ImageKey, _store.Keys));
    }

    [Fact]
    public async Task Nothing_is_left_of_a_file_that_is_being_stored_when_the_upload_breaks_off()
    {
        var held = HoldPictures();
        var upload = _nodes.UploadAsync(Pictures("a.jpg", "b.jpg"), missing: 20);
        await UntilAsync(() => _store.CallsOf(StoreCall.Put) == 2, "a picture is being stored");
        await SettleAsync();
        Assert.False(upload.IsCompleted);

        held.SetResult();
        Assert.IsType<UploadOutcome.Refused>(await upload);
        Assert.DoesNotContain(_store.Keys, key => key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_that_cannot_be_stored_refuses_the_upload_and_nothing_is_left()
    {
        _store.Before = (call, key) =>
            call == StoreCall.Put && key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal)
                && _store.CallsOf(StoreCall.Put) == 3
                ? Task.FromException(new IOException("The store is full."))
                : Task.CompletedTask;

        Assert.IsType<UploadOutcome.Refused>(await _nodes.UploadAsync(Pictures("a.jpg", "b.jpg", "c.jpg", "d.jpg")));

        Assert.DoesNotContain(_store.Keys, key => key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(4)]
    [InlineData((64 << 10) - 1)]
    [InlineData(64 << 10)]
    [InlineData((64 << 10) + 1)]
    [InlineData(300_000)]
    public async Task A_picture_of_any_size_is_stored_whole_and_hashed(int size)
    {
        var words = string.Concat(Enumerable.Range(0, size).Select(i => (char)('a' + (i % 23))));
        var whole = Upload.Jpeg("a.jpg", words).Content;
        Upload[] files = [new("a.jpg", whole[..size]), Upload.Jpeg("b.jpg")];
        var accepted = Assert.IsType<UploadOutcome.Accepted>(await _nodes.UploadAsync(files));

        foreach (var (job, file) in accepted.Manifest.Jobs.Zip(files))
        {
            await using var stored = await _store.GetAsync(job.ImageKey!, CancellationToken.None);
            var copy = new MemoryStream();
            await stored!.Content.CopyToAsync(copy);
            Assert.True(file.Content.AsSpan().SequenceEqual(copy.ToArray()));
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(file.Content)), job.Sha256);
        }
    }

    private static async Task AssertUnderWayAsync(UploadOutcome outcome)
    {
        using var services = new ServiceCollection().AddLogging().BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        await Assert.IsType<UploadOutcome.Refused>(outcome).Problem.ExecuteAsync(context);
        Assert.Equal(StatusCodes.Status409Conflict, context.Response.StatusCode);
        Assert.Equal("2", context.Response.Headers.RetryAfter.ToString());
    }

    private static Upload[] Pictures(params string[] names) => [.. names.Select(name => Upload.Jpeg(name))];

    private BatchId RunningBatch() => BatchId.Parse(
        _store.Keys.Single(key => key.StartsWith(ObjectKeys.OpenBatches, StringComparison.Ordinal))
            [ObjectKeys.OpenBatches.Length..]);

    /// <summary>Holds the next picture back.</summary>
    private TaskCompletionSource HoldPictures()
    {
        var held = new TaskCompletionSource();
        _store.Before = (call, key) =>
            call == StoreCall.Put && key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal)
                ? held.Task
                : Task.CompletedTask;
        return held;
    }

    /// <summary>Stores what an upload leaves when it breaks off before its manifest.</summary>
    private async Task<BatchId> BreakOffAsync(bool hasEnded, string key = "k")
    {
        var batch = BatchId.New();
        var headers = new HeaderDictionary { [IdempotencyKey.Header] = key };
        Assert.True(IdempotencyKey.TryRead(headers, IdempotencyScope.Batches, out var claim));
        var marker = new UploadMarker(claim, "another", hasEnded);
        _store.Set(ObjectKeys.OpenMarker(batch), WireJson.Write(marker));
        Assert.Equal(batch, await new BatchClaims(_store).ClaimAsync(claim!, batch, CancellationToken.None));
        return batch;
    }

    private sealed class Nodes(UploadRequestSpecs specs)
    {
        public Task<UploadOutcome> UploadAsync(string file, string key = "k") => UploadAsync([Upload.Jpeg(file)], key);

        /// <summary>Uploads pictures.</summary>
        /// <param name="files">The pictures.</param>
        /// <param name="key">The idempotency key.</param>
        /// <param name="missing">How many bytes are missing at the end of the form.</param>
        public async Task<UploadOutcome> UploadAsync(Upload[] files, string key = "k", int missing = 0)
        {
            using var form = Upload.Form(files);
            var context = new DefaultHttpContext();
            context.Request.ContentType = form.Headers.ContentType!.ToString();
            context.Request.Body = new MemoryStream((await form.ReadAsByteArrayAsync())[..^missing]);
            context.Request.Headers[IdempotencyKey.Header] = key;
            var commits = specs.Sys.ActorOf(Props.Create(() => new UploadActor(specs._store, specs.TestActor)));
            using var limit = new UploadLimit(Uploading, specs.Time);
            var models = new ModelChoice(specs._store, specs.Time, NullLogger<ModelChoice>.Instance);
            return await new UploadRequest(
                specs._store, new QueuePair(specs.Requests, specs.Responses), Uploading with { MaxFileSize = 1 << 20 },
                limit, models, Callbacks, References, specs.FindsNoRepeats, specs.Time, NullLogger<UploadRequest>.Instance)
                .RunAsync(commits, context.Request, maxFiles: 10, IdempotencyScope.Batches);
        }
    }

    private sealed class SkewedTime(TimeProvider time, TimeSpan skew) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + skew;
    }
}
