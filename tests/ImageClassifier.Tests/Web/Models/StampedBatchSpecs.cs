using System.Net;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Embedded;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Batches;
using Xunit;
using static ImageClassifier.Tests.Web.Models.TestRegistry;

namespace ImageClassifier.Tests.Web.Models;

/// <summary>The model of a batch, from the real calls to its manifest and its messages, with a store of files.</summary>
public sealed class StampedBatchSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FileObjectStore _store;

    public StampedBatchSpecs() => _store = new FileObjectStore(_folder.Layout);

    public void Dispose() => _folder.Remove();

    [Fact]
    public async Task Without_a_registry_no_model_is_named()
    {
        await using var tier = await StartAsync();
        await AssertModelAsync(tier, "/api/batches", model: null, fallback: null);
    }

    [Theory]
    [InlineData("/api/batches")]
    [InlineData("/api/classify")]
    [InlineData("/")]
    public async Task Every_kind_of_upload_gets_the_model_of_the_registry_and_its_fallback(string address)
    {
        await _store.RollOutAsync(ModelRollout.None.Activate(Old).Activate(New));
        await _store.JudgeAsync(Old);
        await using var tier = await StartAsync();
        await AssertModelAsync(tier, address, New, fallback: Old);
    }

    [Fact]
    public async Task A_repeated_upload_keeps_its_model_and_the_next_one_gets_the_new_one()
    {
        await _store.ActivateAsync(Old);
        await using (var tier = await StartAsync())
        {
            var first = await UploadAsync(tier, "k");
            Assert.Equal(Old, (await ManifestAsync(first)).Model);
        }

        await _store.ActivateAsync(New);
        await using var next = await StartAsync();
        Assert.Equal(Old, (await ManifestAsync(await UploadAsync(next, "k"))).Model);
        Assert.Equal(New, (await ManifestAsync(await UploadAsync(next, "other"))).Model);
    }

    [Theory]
    [InlineData("/api/batches")]
    [InlineData("/api/classify")]
    public async Task With_a_damaged_rollout_an_upload_is_503_and_leaves_nothing(string address)
    {
        await _store.PutAsync(RegistryKeys.Rollout, "{"u8.ToArray(), default);
        await using var tier = await StartAsync();
        using var refused = await tier.Client.PostAsync(address, Upload.Form(Upload.Jpeg("a.jpg")), tier.InTime);
        await refused.ProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
        refused.AssertComeBack();
        Assert.Equal([RegistryKeys.Rollout], await KeysAsync());

        // It is mended without a restart.
        await _store.ActivateAsync(New);
        await AssertModelAsync(tier, "/api/batches", New, fallback: null);
    }

    private Task<RunningWebTier> StartAsync() => RunningWebTier.StartAsync(files: _store);

    /// <summary>Uploads a picture and compares the manifest and the message. Then the job is answered.</summary>
    private async Task AssertModelAsync(
        RunningWebTier tier, string address, ModelReference? model, ModelReference? fallback)
    {
        var uploading = tier.Client.PostAsync(address, Upload.Form(Upload.Jpeg("a.jpg")), tier.InTime);
        await tier.UntilAsync(() => tier.Requests.All.Count == 1, "the job is sent");
        var request = WireJson.TryRead<ClassificationRequest>(tier.Requests.All[0].Body)!;
        Assert.Equal((model, fallback), (request.Model, request.Fallback));
        var manifest = await ManifestAsync(request.Batch);
        Assert.Equal((model, fallback), (manifest.Model, manifest.Fallback));
        await tier.PublishAsync(Jobs.Classified(request));
        using var answer = await uploading;
        Assert.True(answer.IsSuccessStatusCode);
    }

    private static async Task<BatchId> UploadAsync(RunningWebTier tier, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/batches")
        {
            Content = Upload.Form(Upload.Jpeg("a.jpg")),
        };
        request.Headers.Add("Idempotency-Key", key);
        using var answer = await tier.Client.SendAsync(request, tier.InTime);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return BatchId.Parse((await answer.DocumentAsync()).Word("batchId"));
    }

    private async Task<BatchManifest> ManifestAsync(BatchId batch) =>
        (await _store.ReadDocumentAsync<BatchManifest>(ObjectKeys.Manifest(batch), default)).OrNull!;

    private async Task<IReadOnlyList<string>> KeysAsync()
    {
        var keys = new List<string>();
        await foreach (var listing in _store.ListAsync("", default)) keys.Add(listing.Key);
        return keys;
    }
}
