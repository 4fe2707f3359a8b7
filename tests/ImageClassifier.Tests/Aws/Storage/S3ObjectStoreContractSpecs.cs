using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Storage;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Aws.Emulator;
using ImageClassifier.Tests.Contracts;
using Xunit;

namespace ImageClassifier.Tests.Aws.Storage;

/// <summary>The times of the store are S3's, so there is no clock to skew. fauxqs ignores the condition of a write, so
/// the emulator's script refuses conditional writes itself.</summary>
[Collection(EmulatedAws.Name)]
public class S3ObjectStoreContractSpecs(EmulatedAws aws) : ObjectStoreContract
{
    private readonly string _bucket = $"t-{Guid.NewGuid():n}";

    protected virtual string KeyPrefix => "";

    // fauxqs sorts like people: a, B, c.
    protected override bool ListsInOrdinalOrder => false;

    protected override async Task<IStoreUnderTest> CreateAsync()
    {
        await aws.S3.PutBucketAsync(_bucket);
        return new S3StoreUnderTest(aws, new BucketSettings(_bucket, KeyPrefix, TimeSpan.FromDays(30)));
    }

    [SkippableTheory]
    [InlineData(UploadBuffer.Capacity - 1)]
    [InlineData(UploadBuffer.Capacity)]
    [InlineData((2 * UploadBuffer.Capacity) + 100_000)]
    public async Task Content_longer_than_a_part_arrives_complete(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        await Store.PutAsync("images/long.jpg", new MemoryStream(bytes), default);

        await using var stored = await Store.GetAsync("images/long.jpg", default);

        Assert.Equal(length, stored!.Size);
        var copy = new MemoryStream();
        await stored.Content.CopyToAsync(copy);
        Assert.True(bytes.AsSpan().SequenceEqual(copy.ToArray()));
    }

    [SkippableFact]
    public async Task A_multipart_put_whose_content_fails_or_is_cancelled_stores_nothing()
    {
        const int length = UploadBuffer.Capacity + 100_000;
        using var cancellation = new CancellationTokenSource();

        await Assert.ThrowsAsync<InvalidDataException>(
            () => Store.PutAsync("a/failed", new FailingStream(length), default));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Store.PutAsync("a/cancelled", new CancellingStream(cancellation, length), cancellation.Token));

        Assert.Empty(await ListAsync(""));
        // fauxqs does not delete a bucket with unfinished uploads.
        await aws.S3.DeleteBucketAsync(_bucket);
    }

    [SkippableFact]
    public async Task A_listing_has_all_pages()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 1100), async (i, _) => await PutAsync($"many/{i:d4}", "x"));

        Assert.Equal(
            Enumerable.Range(0, 1100).Select(i => $"many/{i:d4}"),
            (await ListAsync("many/")).Select(found => found.Key));
    }

    private sealed class S3StoreUnderTest(EmulatedAws aws, BucketSettings bucket) : IStoreUnderTest
    {
        public IObjectStore Open() => new S3ObjectStore(aws.S3, bucket);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

[Collection(EmulatedAws.Name)]
public sealed class S3ObjectStoreUnderAPrefixContractSpecs(EmulatedAws aws) : S3ObjectStoreContractSpecs(aws)
{
    protected override string KeyPrefix => "some/where/";
}
