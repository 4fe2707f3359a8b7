using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Aws.Emulator;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.DeadLetters;
using Xunit;

namespace ImageClassifier.Tests.Aws.Queues;

/// <summary>A redrive with its queues on SQS and its store on S3.</summary>
[Collection(EmulatedAws.Name)]
public sealed class AwsRedriveSpecs(EmulatedAws aws)
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    [SkippableFact]
    public async Task A_failed_result_is_deleted_and_the_next_attempt_is_sent()
    {
        await using var queues = await SqsQueueUnderTest.CreateAsync(aws, maxReceives: 1);
        var (queue, dead) = (queues.Open(), queues.OpenDeadLetters());
        var bucket = new BucketSettings($"t-{Guid.NewGuid():n}", keyPrefix: "", TimeSpan.FromDays(30));
        await aws.S3.PutBucketAsync(bucket.Name);
        var store = new S3ObjectStore(aws.S3, bucket);
        var job = JobId.New();
        var batch = BatchId.New();
        var manifest = new BatchManifest(batch, DateTimeOffset.UnixEpoch,
            [ManifestJob.Accept(job, "a.jpg", ObjectKeys.Image(batch, job, PictureFormat.Jpeg))]);
        var request = manifest.Request(manifest.Jobs[0], 1);
        await store.PutAsync(ObjectKeys.Manifest(batch), WireJson.WriteUtf8(manifest), default);
        await store.PutAsync(
            ObjectKeys.Result(batch, job),
            WireJson.WriteUtf8(Jobs.Failed(request, JobErrorCodes.TooManyAttempts)), default);
        await queue.SendAsync([request.ToMessage()], default);
        var received = Assert.Single(await queue.ReceiveAsync(1, Wait, Lease, default));
        await queue.ExtendAsync([received.Receipt], TimeSpan.Zero, default);
        Assert.Empty(await queue.ReceiveAsync(1, TimeSpan.FromSeconds(1), Lease, default));
        var desk = new DeadRequests(dead, queue, store);
        Assert.Equal(JobErrorCodes.TooManyAttempts, Assert.Single(await desk.ListAsync(10, default)).Error!.Code);

        var outcome = Assert.Single(await desk.RedriveAsync([job], default));

        Assert.Equal((LetterFate.Redriven, 2), (outcome.Fate, outcome.Attempt));
        Assert.False(await store.ExistsAsync(ObjectKeys.Result(batch, job), default));
        Assert.Single(await store.ListAsync(ObjectKeys.RedriveMarkersOf(batch), default).ToListAsync());
        var sent = Assert.Single(await queue.ReceiveAsync(1, Wait, Lease, default));
        Assert.Equal(request with { Attempt = 2 }, WireJson.TryRead<ClassificationRequest>(sent.Body));
        Assert.Empty(await desk.ListAsync(10, default));
    }
}
