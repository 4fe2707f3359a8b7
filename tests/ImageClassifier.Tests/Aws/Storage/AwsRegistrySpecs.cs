using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Storage;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Registry;
using ImageClassifier.Host.Models;
using ImageClassifier.Tests.Aws.Emulator;
using ImageClassifier.Tests.Onnx;
using Xunit;

namespace ImageClassifier.Tests.Aws.Storage;

/// <summary>The registry of models on S3.</summary>
[Collection(EmulatedAws.Name)]
public sealed class AwsRegistrySpecs(EmulatedAws aws)
{
    [SkippableFact]
    public async Task A_model_is_pushed_found_and_listed_with_its_verdict()
    {
        var bucket = new BucketSettings($"t-{Guid.NewGuid():n}", keyPrefix: "shared/", TimeSpan.FromDays(30));
        await aws.S3.PutBucketAsync(bucket.Name);
        var store = new S3ObjectStore(aws.S3, bucket);
        var registry = new ModelRegistry(store);
        using var model = new TestModel { Weights = "weights.bin" }.Write();
        // More than one part of an upload.
        await File.WriteAllBytesAsync(model.File("weights.bin"), new byte[9 << 20]);
        var push = new ModelPush(store, _ => ModelDirectory.Load(model.Path).Identity with { Classes = 3 });

        var pushed = (await push.RunAsync(model.Path, "fruit", _ => { }, default)).Model;
        Assert.Equal(0, (await push.RunAsync(model.Path, "fruit", _ => { }, default)).Uploaded);
        await store.PutIfAbsentAsync(
            RegistryKeys.Verdict(pushed.Model),
            WireJson.WriteUtf8(new ModelVerdict(true, null, InstanceId.Parse("i-0123456789abcdef0"))), default);
        var found = await registry.FindAsync(ModelSelector.Parse($"fruit@{pushed.Model.Sha256[..8]}"), default);

        Assert.Equal(pushed.Model, found.Model);
        Assert.True(found.IsUsable);
        Assert.NotNull(found.PushedAt);
        Assert.Equal(found.Bytes, await store.ListAsync(RegistryKeys.Of(pushed.Model), default)
            .Where(file => ModelReference.IsHash(file.Key.Split('/')[^1])).Select(file => file.Size).SumAsync());
        await registry.WriteRolloutAsync(ModelRollout.None.Activate(found.Model), default);
        Assert.Equal(found.Model, (await registry.ReadRolloutAsync(default)).OrNull!.Active);
    }
}
