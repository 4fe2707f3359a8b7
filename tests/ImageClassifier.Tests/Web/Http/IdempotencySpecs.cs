using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>Repeated uploads with the same <c>Idempotency-Key</c>.</summary>
public sealed partial class IdempotencySpecs
{
    private static readonly Upload[] Files = [Upload.Jpeg("a.jpg"), new Upload("b.gif", [1]), Upload.Png("c.png")];

    [Fact]
    public async Task A_repeated_upload_gets_the_same_batch()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var first = await AcceptedAsync(tier, "k-1");
        var pictures = Pictures(tier.Store);

        Assert.Equal(first, await AcceptedAsync(tier, "k-1"));
        Assert.Equal(pictures, Pictures(tier.Store));
        Assert.Equal(2, tier.Requests.All.Count);
        Assert.NotEqual(first, await AcceptedAsync(tier, "k-2"));
        Assert.NotEqual(first, await AcceptedAsync(tier, key: null));
    }

    [Fact]
    public async Task A_repeated_upload_gets_the_same_batch_after_a_restart()
    {
        var store = new InMemoryObjectStore(TimeProvider.System);
        string first;
        await using (var earlier = await RunningWebTier.StartAsync(store: store)) first = await AcceptedAsync(earlier, "k");

        await using var tier = await RunningWebTier.StartAsync(store: store);
        Assert.Equal(first, await AcceptedAsync(tier, "k"));
    }

    [Fact]
    public async Task While_the_first_upload_runs_the_second_is_409_with_a_retry_time()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var held = new TaskCompletionSource();
        tier.Store.Before = (call, key) =>
            call == StoreCall.Put && key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal)
                ? held.Task
                : Task.CompletedTask;
        var first = AcceptedAsync(tier, "k");
        await tier.UntilAsync(() => tier.Store.CallsOf(StoreCall.Put) == 2, "the first is under way");

        using var second = await PostAsync(tier, "k", Files);
        await second.ProblemAsync(HttpStatusCode.Conflict, "upload-under-way");
        second.AssertComeBack();

        held.SetResult();
        Assert.Equal(await first, await AcceptedAsync(tier, "k"));
    }

    [Fact]
    public async Task Racing_uploads_with_one_key_get_one_batch()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => PostAsync(tier, "k", Files)));
        var accepted = new HashSet<string>();
        foreach (var answer in answers)
        {
            if (answer.StatusCode == HttpStatusCode.Accepted) accepted.Add(await answer.Content.ReadAsStringAsync());
            else Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
            answer.Dispose();
        }

        Assert.Single(accepted);
        Assert.Equal(2, Pictures(tier.Store).Count);
        Assert.Equal(2, tier.Requests.All.Count);
    }

    [Theory]
    [InlineData("images/", StoreCall.Put)]
    [InlineData("manifest.json", StoreCall.PutIfAbsent)]
    public async Task An_interrupted_upload_is_completed_by_a_repeat(string at, StoreCall failing)
    {
        await using var tier = await RunningWebTier.StartAsync();
        var failures = 1;
        tier.Store.Before = (call, key) =>
            call == failing && key.Contains(at, StringComparison.Ordinal) && Interlocked.Decrement(ref failures) >= 0
                ? Task.FromException(new IOException("The store is away."))
                : Task.CompletedTask;
        using var broken = await PostAsync(tier, "k", Files);
        await broken.ProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");

        var accepted = await AcceptedAsync(tier, "k");
        Assert.Equal(accepted, await AcceptedAsync(tier, "k"));
    }

    [Fact]
    public async Task A_repeat_after_a_kill_is_accepted_once_the_marker_is_a_minute_old()
    {
        var time = new StoreTime();
        var store = new InMemoryObjectStore(time);
        await using (var earlier = await RunningWebTier.StartAsync(store: store)) await AcceptedAsync(earlier, "k");
        // The state of a tier that was killed before the manifest.
        foreach (var manifest in store.Keys.Where(key => key.EndsWith("manifest.json", StringComparison.Ordinal)))
            await store.DeleteAsync(manifest, CancellationToken.None);

        await using var tier = await RunningWebTier.StartAsync(store: store);
        using (var early = await PostAsync(tier, "k", Files))
        {
            await early.ProblemAsync(HttpStatusCode.Conflict, "upload-under-way");
            early.AssertComeBack();
        }

        time.Ahead = TimeSpan.FromSeconds(61);
        var accepted = await AcceptedAsync(tier, "k");
        Assert.Equal(accepted, await AcceptedAsync(tier, "k"));
    }

    [Fact]
    public async Task A_key_with_other_files_is_refused()
    {
        await using var tier = await RunningWebTier.StartAsync();
        await AcceptedAsync(tier, "k");
        foreach (var other in (Upload[][])[[Files[0]], [.. Files, Files[0]], [Files[2], Files[1], Files[0]]])
        {
            using var answer = await PostAsync(tier, "k", other);
            await answer.ProblemAsync(HttpStatusCode.UnprocessableEntity, "idempotency-key-reused");
        }
    }

    [Fact]
    public async Task A_key_with_the_same_names_and_other_bytes_is_refused()
    {
        await using var tier = await RunningWebTier.StartAsync("uploads.max-file-size = 4KiB");
        Upload[] files = [.. Files, Upload.JpegOf("large.jpg", 10_000), Upload.JpegOf("d.jpg", 3000)];
        using var first = await PostAsync(tier, "k", files);
        Assert.Equal(HttpStatusCode.Accepted, first.StatusCode);
        var keys = tier.Keys;

        // In turn, the last byte of each file differs, refused files included.
        for (var i = 0; i < files.Length; i++)
        {
            Upload[] other = [.. files];
            other[i] = files[i] with { Content = [.. files[i].Content[..^1], 0x7F] };
            using var answer = await PostAsync(tier, "k", other);
            await answer.ProblemAsync(HttpStatusCode.UnprocessableEntity, "idempotency-key-reused");
        }

        using var again = await PostAsync(tier, "k", files);
        Assert.Equal(await first.Content.ReadAsStringAsync(), await again.Content.ReadAsStringAsync());
        Assert.Equal(keys, tier.Keys);
    }

    [Theory]
    [InlineData("/api/classify")]
    [InlineData("/")]
    public async Task A_picture_never_gets_the_label_of_another_one_with_the_same_name(string address)
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        foreach (var (words, status) in new[]
        {
            ("dog", HttpStatusCode.OK), ("cat", HttpStatusCode.UnprocessableEntity), ("dog", HttpStatusCode.OK),
        })
        {
            using var request = Request([Upload.Jpeg("image.jpg", words)], address);
            request.Headers.Add(IdempotencyKey.Header, "k");
            using var answer = await tier.Client.SendAsync(request);
            if (status == HttpStatusCode.OK) Assert.Equal(words, await answer.Content.ReadAsStringAsync());
            else await answer.ProblemAsync(status, "idempotency-key-reused");
        }
    }

    [Fact]
    public async Task A_manifest_without_hashes_is_compared_by_names()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var first = await AcceptedAsync(tier, "k");
        var manifest = ObjectKeys.Manifest(BatchId.Parse(BatchOf(first)));
        var text = tier.Store.TextAt(manifest)!;
        Assert.Equal(Files.Length, Hashes().Count(text));
        tier.Store.Set(manifest, Hashes().Replace(text, ""));

        Assert.Equal(first, await AcceptedAsync(tier, "k"));
        using var other = await PostAsync(tier, "k", [Files[0]]);
        await other.ProblemAsync(HttpStatusCode.UnprocessableEntity, "idempotency-key-reused");
    }

    [Fact]
    public async Task A_key_of_a_refused_upload_can_be_used_for_other_bytes()
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var nothing = await PostAsync(tier, "k", [new Upload("a.jpg", "GIF89a"u8.ToArray())]);
        await nothing.ProblemAsync(HttpStatusCode.BadRequest, "nothing-usable");
        using var good = await PostAsync(tier, "k", [Upload.Jpeg("a.jpg")]);
        Assert.Equal(HttpStatusCode.Accepted, good.StatusCode);
    }

    [Fact]
    public async Task A_late_manifest_is_not_the_answer_to_other_bytes()
    {
        await using var tier = await RunningWebTier.StartAsync();
        string? late = null;
        // The first manifest's write fails, but the manifest exists when the second one is about to be stored.
        tier.Store.Before = (call, key) =>
        {
            if (call != StoreCall.PutIfAbsent || !key.EndsWith("manifest.json", StringComparison.Ordinal))
                return Task.CompletedTask;
            if (late is not null)
            {
                tier.Store.Set(key, late);
                return Task.CompletedTask;
            }

            var batch = BatchId.Parse(key.Split('/')[1]);
            late = WireJson.Write(new BatchManifest(
                batch, DateTimeOffset.UnixEpoch,
                [ManifestJob.Refuse("a.jpg", new("empty", "No.")) with { Sha256 = new string('0', 64) }]));
            return Task.FromException(new IOException("The store is away."));
        };
        using var first = await PostAsync(tier, "k", [Upload.Jpeg("a.jpg")]);
        await first.ProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");

        using var second = await PostAsync(tier, "k", [Upload.Jpeg("a.jpg", "dog")]);
        await second.ProblemAsync(HttpStatusCode.UnprocessableEntity, "idempotency-key-reused");
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a,b", "c")]
    [InlineData("256")]
    public async Task An_invalid_key_is_400(params string[] values)
    {
        if (values is ["256"]) values = [new string('k', 256)];
        await using var tier = await RunningWebTier.StartAsync();
        using var request = Request(Files);
        foreach (var value in values) request.Headers.TryAddWithoutValidation(IdempotencyKey.Header, value);
        using var answer = await tier.Client.SendAsync(request);
        await answer.ProblemAsync(HttpStatusCode.BadRequest, "idempotency-key-malformed");
        Assert.Empty(tier.Keys);
    }

    [Fact]
    public async Task A_deleted_batch_frees_its_key()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var first = BatchOf(await AcceptedAsync(tier, "k"));
        using var deleted = await tier.Client.DeleteAsync($"/api/batches/{first}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Empty(tier.Keys);

        Assert.NotEqual(first, BatchOf(await AcceptedAsync(tier, "k")));
    }

    [Theory]
    [InlineData("/api/classify")]
    [InlineData("/")]
    public async Task A_repeated_waiting_request_is_classified_once(string address)
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        for (var i = 0; i < 2; i++)
        {
            using var request = Request([Upload.Jpeg("a.jpg", "dog")], address);
            request.Headers.Add(IdempotencyKey.Header, "k");
            using var answer = await tier.Client.SendAsync(request);
            Assert.Equal("dog", await answer.Content.ReadAsStringAsync());
        }

        Assert.Single(Pictures(tier.Store));
        // For another call, the key names another upload.
        await AcceptedAsync(tier, "k");
    }

    [Theory]
    [InlineData("\u00e4")]
    [InlineData("a\u007f")]
    [InlineData("a\tb")]
    public void A_key_must_be_visible_ascii(string value) => Assert.False(IdempotencyKey.TryRead(
        new HeaderDictionary { [IdempotencyKey.Header] = value }, IdempotencyScope.Batches, out _));

    [Fact]
    public void A_key_belongs_to_its_caller()
    {
        var headers = new HeaderDictionary { [IdempotencyKey.Header] = "k" };
        string?[] callers = [null, "a", "b", "a\nb"];
        var digests = callers.Select(caller =>
        {
            Assert.True(IdempotencyKey.TryRead(headers, IdempotencyScope.Batches with { Caller = caller }, out var digest));
            return digest;
        }).ToArray();
        Assert.Equal(callers.Length, digests.Distinct().Count());
        Assert.All(digests, digest => Assert.Matches("^[0-9a-f]{64}$", digest));
    }

    [GeneratedRegex(",\"sha256\":\"[0-9a-f]{64}\"")]
    private static partial Regex Hashes();

    private static List<string> Pictures(InMemoryObjectStore store) =>
        [.. store.Keys.Where(key => key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal))];

    private static string BatchOf(string accepted)
    {
        using var document = JsonDocument.Parse(accepted);
        return document.RootElement.GetProperty("batchId").GetString()!;
    }

    private static async Task<string> AcceptedAsync(RunningWebTier tier, string? key)
    {
        using var answer = await PostAsync(tier, key, Files);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, text);
        return text;
    }

    private static async Task<HttpResponseMessage> PostAsync(RunningWebTier tier, string? key, Upload[] files)
    {
        using var request = Request(files);
        if (key is not null) request.Headers.Add(IdempotencyKey.Header, key);
        return await tier.Client.SendAsync(request);
    }

    private sealed class StoreTime : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }

    private static HttpRequestMessage Request(Upload[] files, string address = "/api/batches") =>
        new(HttpMethod.Post, address) { Content = Upload.Form(files) };
}
