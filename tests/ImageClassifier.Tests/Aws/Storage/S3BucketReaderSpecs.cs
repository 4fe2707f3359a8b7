using ImageClassifier.Adapters.Aws.Storage;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Aws.Emulator;
using Xunit;

namespace ImageClassifier.Tests.Aws.Storage;

/// <summary>Reads objects of other buckets on an emulator.</summary>
[Collection(EmulatedAws.Name)]
public sealed class S3BucketReaderSpecs(EmulatedAws aws)
{
    private readonly string _bucket = $"t-{Guid.NewGuid():n}";

    [SkippableTheory]
    [InlineData("cat.jpg")]
    [InlineData("2026/a b+ü?.jpg")]
    public async Task An_object_is_read_with_its_size(string key)
    {
        await aws.S3.PutBucketAsync(_bucket);
        await aws.S3.PutObjectAsync(new() { BucketName = _bucket, Key = key, ContentBody = "cat" });
        var found = Assert.IsType<BucketRead.Found>(
            await new S3BucketReader(aws.S3).OpenAsync(_bucket, key, default)).Stored;
        await using (found)
        {
            Assert.Equal(3, found.Size);
            using var reader = new StreamReader(found.Content);
            Assert.Equal("cat", await reader.ReadToEndAsync());
        }
    }

    [SkippableFact]
    public async Task A_missing_object_and_a_missing_bucket_are_told_apart()
    {
        await aws.S3.PutBucketAsync(_bucket);
        Assert.Equal(BucketRefusal.NoSuchObject, await RefusalAsync(_bucket));
        Assert.Equal(BucketRefusal.NotInRegion, await RefusalAsync($"{_bucket}-other"));
    }

    private async Task<BucketRefusal> RefusalAsync(string bucket) => Assert.IsType<BucketRead.Refused>(
        await new S3BucketReader(aws.S3).OpenAsync(bucket, "cat.jpg", default)).Why;
}

/// <summary>The handling of S3's refusals, with S3's own bodies.</summary>
public sealed class S3BucketReaderFailureSpecs : IDisposable
{
    private readonly StubbedAws _aws = new();

    public void Dispose() => _aws.Dispose();

    [Theory]
    [InlineData(403, "AccessDenied", BucketRefusal.NotPermitted)]
    [InlineData(404, "NoSuchKey", BucketRefusal.NoSuchObject)]
    [InlineData(404, "NoSuchBucket", BucketRefusal.NotInRegion)]
    [InlineData(301, "PermanentRedirect", BucketRefusal.NotInRegion)]
    [InlineData(403, "InvalidObjectState", BucketRefusal.Archived)]
    public async Task A_refusal_has_its_kind(int status, string code, BucketRefusal kind)
    {
        _aws.On(StubbedAws.AnyS3Call(), StubbedAws.S3Error(status, code, "S3 says no."));
        var refused = Assert.IsType<BucketRead.Refused>(
            await new S3BucketReader(_aws.S3).OpenAsync("photos", "cat.jpg", default));
        Assert.Equal(kind, refused.Why);
        Assert.Contains(code, refused.Details, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_outage_can_be_tried_again()
    {
        _aws.On(StubbedAws.AnyS3Call(), StubbedAws.S3Error(400, "RequestTimeTooSkewed", "The clock is wrong."));
        await Assert.ThrowsAsync<IOException>(
            () => new S3BucketReader(_aws.S3).OpenAsync("photos", "cat.jpg", default));
    }
}
