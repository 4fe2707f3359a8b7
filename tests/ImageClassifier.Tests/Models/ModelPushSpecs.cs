using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;
using ImageClassifier.Host.Models;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Tests.Onnx;
using ImageClassifier.Web.Batches;
using Xunit;

namespace ImageClassifier.Tests.Models;

/// <summary>What a push stores, and in which order.</summary>
public sealed class ModelPushSpecs : IDisposable
{
    private static readonly InstanceId Node = InstanceId.Parse("node-1");

    private readonly TemporaryFolder _folder = new();
    private readonly TestModel _model = new TestModel { Weights = "weights.bin" }.Write().WriteWeights(1, 1, 1);
    private readonly FileObjectStore _store;

    public ModelPushSpecs() =>
        _store = new FileObjectStore(Path.Combine(_folder.Path, "objects"), Path.Combine(_folder.Path, "tmp"));

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task All_files_that_a_node_needs_are_stored_by_their_hashes_and_no_others()
    {
        _model.WriteSample("red.png", SkiaSharp.SKColors.Red).WriteSample("red-2.png", SkiaSharp.SKColors.Red);
        foreach (var other in new[] { "README.md", ".hidden", "samples/.hidden", "samples/SOURCES.txt" })
            File.WriteAllText(_model.File(other), "?");

        var pushed = await PushAsync();

        Assert.Equal(
            ["labels.txt", "model.json", "model.onnx", "samples/red-2.png", "samples/red.png", "weights.bin"],
            pushed.Model.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        foreach (var file in pushed.Model.Files)
        {
            await using var stored = await _store.GetAsync(RegistryKeys.File(pushed.Model.Model, file), default);
            using var content = new MemoryStream();
            await stored!.Content.CopyToAsync(content);
            Assert.Equal(await File.ReadAllBytesAsync(_model.File(file.Path)), content.ToArray());
            Assert.Equal(file.Size, content.Length);
        }

        var list = await _store.ReadDocumentAsync<PushedModel>(RegistryKeys.Files(pushed.Model.Model), default);
        Assert.Equal(pushed.Model.Files, list.OrNull!.Files);
        Assert.Equal(3, list.OrNull.Classes);
        // Both samples have the same bytes, which are stored once.
        Assert.Equal(6, (await KeysAsync()).Length);
        Assert.Equal(5, pushed.Uploaded);
    }

    [Fact]
    public async Task An_interrupted_push_leaves_no_list_and_the_next_one_uploads_only_the_rest()
    {
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Push().RunAsync(_model.Path, "fruit", progress => stop.Cancel(), stop.Token));
        var model = new ModelReference("fruit", ModelDirectory.Load(_model.Path).Identity.Sha256);
        Assert.False(await _store.ExistsAsync(RegistryKeys.Files(model), default));

        var first = File.ReadAllBytes(_model.File("model.json"));
        await _store.PutAsync($"{RegistryKeys.Of(model)}{Hash(first)}", first, default);
        Assert.Equal(3, (await PushAsync()).Uploaded);
        Assert.Equal(0, (await PushAsync()).Uploaded);
    }

    [Fact]
    public async Task The_progress_ends_at_the_size_of_all_files()
    {
        var reports = new List<TransferProgress>();
        await Push().RunAsync(_model.Path, "fruit", reports.Add, default);

        var total = new[] { "model.json", "labels.txt", "model.onnx", "weights.bin" }
            .Sum(file => new FileInfo(_model.File(file)).Length);
        Assert.All(reports, report => Assert.Equal(total, report.Total));
        Assert.Equal(reports.Select(report => report.Done).Order(), reports.Select(report => report.Done));
        Assert.Equal(total, reports[^1].Done);
    }

    [Fact]
    public async Task A_stored_file_of_another_size_is_stored_again()
    {
        var pushed = (await PushAsync()).Model;
        var key = RegistryKeys.File(pushed.Model, pushed.Files[0]);
        await _store.PutAsync(key, new byte[3], default);

        Assert.Equal(1, (await PushAsync()).Uploaded);

        await using var stored = await _store.GetAsync(key, default);
        Assert.Equal(pushed.Files[0].Size, stored!.Size);
    }

    [Fact]
    public async Task A_damaged_file_is_stored_again_and_the_refusal_goes()
    {
        var pushed = (await PushAsync()).Model;
        await JudgeAsync(pushed.Model, new ModelVerdict(false, "model.json has another hash", Node));
        var file = pushed.Files[0];
        // A damage that the size does not show.
        await _store.PutAsync(RegistryKeys.File(pushed.Model, file), new byte[file.Size], default);

        Assert.Equal(1, (await PushAsync()).Uploaded);

        Assert.False(await _store.ExistsAsync(RegistryKeys.Verdict(pushed.Model), default));
        await using var stored = await _store.GetAsync(RegistryKeys.File(pushed.Model, file), default);
        Assert.NotEqual(0, stored!.Content.ReadByte());
    }

    [Fact]
    public async Task A_refused_model_is_not_pushed_again_while_its_batches_are_open()
    {
        var pushed = (await PushAsync()).Model;
        await JudgeAsync(pushed.Model, new ModelVerdict(false, "model.json has another hash", Node));
        var batch = BatchId.New();
        var job = JobId.New();
        var manifest = new BatchManifest(
            batch, DateTimeOffset.UnixEpoch,
            [ManifestJob.Accept(job, "a.jpg", ObjectKeys.Image(batch, job, PictureFormat.Jpeg))])
        {
            Model = pushed.Model,
        };
        await _store.PutAsync(ObjectKeys.Manifest(batch), WireJson.WriteUtf8(manifest), default);
        await _store.PutAsync(ObjectKeys.OpenMarker(batch), new byte[1], default);

        var failure = await Assert.ThrowsAsync<ModelFailureException>(PushAsync);

        Assert.Contains("not complete (1)", failure.Message, StringComparison.Ordinal);
        Assert.True(await _store.ExistsAsync(RegistryKeys.Verdict(pushed.Model), default));
        await _store.DeleteAsync(ObjectKeys.OpenMarker(batch), default);
        await PushAsync();
        Assert.False(await _store.ExistsAsync(RegistryKeys.Verdict(pushed.Model), default));
    }

    [Fact]
    public void A_model_that_is_too_large_for_nodes_is_not_pushed()
    {
        var half = new PushedFile("a.bin", (1L << 30) - 1, Hash([]));
        ModelPush.CheckSize("fruit", [half, half with { Size = 1L << 30 }]);

        var failure = Assert.Throws<ModelFailureException>(
            () => ModelPush.CheckSize("fruit", [half with { Size = 1L << 30 }, half with { Size = 1L << 30 }]));
        Assert.Contains("nodes take at most 2147483647", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_without_a_number_of_classes_is_not_listed()
    {
        var push = new ModelPush(_store, folder => ModelDirectory.Load(folder).Identity with { Classes = null });

        await Assert.ThrowsAsync<InvalidOperationException>(() => push.RunAsync(_model.Path, "fruit", _ => { }, default));

        Assert.Empty(await KeysAsync());
    }

    [Fact]
    public async Task The_verdict_that_a_model_is_usable_stays()
    {
        var pushed = (await PushAsync()).Model;
        await JudgeAsync(pushed.Model, new ModelVerdict(true, null, Node));

        Assert.False((await PushAsync()).IsTriedAgain);

        Assert.True(await _store.ExistsAsync(RegistryKeys.Verdict(pushed.Model), default));
    }

    [Fact]
    public async Task A_file_that_changes_during_the_push_stops_it()
    {
        var expected = new PushedFile("model.onnx", 3, Hash([1, 2, 3]));
        using var changed = new PushedFileStream(new MemoryStream([1, 2, 4]), expected, _ => { });

        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => _store.PutAsync("models/a", changed, default));

        Assert.Contains("model.onnx changed", failure.Message, StringComparison.Ordinal);
        Assert.Empty(await KeysAsync());
        using var same = new PushedFileStream(new MemoryStream([1, 2, 3]), expected, _ => { });
        await _store.PutAsync("models/a", same, default);
        Assert.Single(await KeysAsync());
    }

    private ModelPush Push() => new(_store, folder =>
    {
        using var classifier = _model.Load();
        Assert.Equal(_model.Path, folder);
        return classifier.Model;
    });

    private Task<ModelPushed> PushAsync() => Push().RunAsync(_model.Path, "fruit", _ => { }, default);

    private Task JudgeAsync(ModelReference model, ModelVerdict verdict) =>
        _store.PutAsync(RegistryKeys.Verdict(model), WireJson.WriteUtf8(verdict), default);

    private async Task<string[]> KeysAsync() =>
        await _store.ListAsync("", default).Select(found => found.Key).ToArrayAsync();

    private static string Hash(byte[] content) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content));
}
