using System.Diagnostics;
using Amazon.S3;
using Amazon.SQS;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Queues;
using ImageClassifier.Adapters.Aws.Storage;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.EndToEnd.Programs;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>The queues and the store of an environment, with photos in it. It plays the web tier: it sends jobs and takes
/// their results.</summary>
internal sealed class Work(IObjectStore store, IMessageQueue requests, IMessageQueue responses) : IAsyncDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly List<IAsyncDisposable> _owned = [];
    private readonly List<string> _pictures = [];
    private BatchId _batch;

    /// <summary>The environment <c>embedded</c>.</summary>
    public static Work Embedded(string data)
    {
        var layout = new EmbeddedLayout(data);
        var requests = new SqliteMessageQueue(new SqliteQueueSettings(layout.RequestQueue, "requests", 20));
        var responses = new SqliteMessageQueue(new SqliteQueueSettings(layout.ResponseQueue, "responses", 80));
        var work = new Work(new FileObjectStore(layout), requests, responses);
        work._owned.AddRange([requests, responses]);
        return work;
    }

    /// <summary>The environment <c>aws</c> on an emulator.</summary>
    public static async Task<Work> AwsAsync(EmulatedAws aws)
    {
        // The caller's process ends soon, and with it these clients.
        var sqs = new AmazonSQSClient(new AmazonSQSConfig { ServiceURL = aws.Endpoint.ToString(), AuthenticationRegion = EmulatedAws.Region });
        var s3 = new AmazonS3Client(new AmazonS3Config
        {
            ServiceURL = aws.Endpoint.ToString(),
            AuthenticationRegion = EmulatedAws.Region,
            ForcePathStyle = true,
        });
        return new Work(
            new S3ObjectStore(s3, new BucketSettings(EmulatedAws.Bucket, "", TimeSpan.FromDays(1))),
            new SqsMessageQueue(sqs, new Uri(await QueueUrlAsync(aws, "requests"))),
            new SqsMessageQueue(sqs, new Uri(await QueueUrlAsync(aws, "responses"))));
    }

    /// <summary>The URL of a queue of the emulator.</summary>
    /// <param name="aws">The emulator.</param>
    /// <param name="name"><c>requests</c> or <c>responses</c>.</param>
    public static async Task<string> QueueUrlAsync(EmulatedAws aws, string name)
    {
        using var sqs = new AmazonSQSClient(new AmazonSQSConfig { ServiceURL = aws.Endpoint.ToString(), AuthenticationRegion = EmulatedAws.Region });
        return (await sqs.GetQueueUrlAsync($"image-classifier-{name}.fifo")).QueueUrl;
    }

    /// <summary>Stores the photos.</summary>
    public async Task StoreAsync(IEnumerable<string> photos)
    {
        _batch = BatchId.New();
        foreach (var photo in photos)
        {
            var key = ObjectKeys.Image(_batch, JobId.New(), PictureFormat.Jpeg);
            await using var content = File.OpenRead(photo);
            await store.PutAsync(key, content, CancellationToken.None);
            _pictures.Add(key);
        }
    }

    /// <summary>Sends jobs.</summary>
    public async Task SendAsync(int jobs)
    {
        foreach (var ten in Enumerable.Range(0, jobs).Chunk(IMessageQueue.MaxBatch))
        {
            await requests.SendAsync(
                [
                    .. ten.Select(i => new ClassificationRequest(
                        JobId.New(), _batch, _pictures[i % _pictures.Count], 1, TimeProvider.System.GetUtcNow()).ToMessage()),
                ],
                CancellationToken.None);
        }
    }

    /// <summary>Takes the results of jobs. All must be classified.</summary>
    public async Task TakeAsync(int jobs)
    {
        var started = Stopwatch.StartNew();
        for (var taken = 0; taken < jobs;)
        {
            if (started.Elapsed > Limit) throw new TimeoutException($"{taken} of {jobs} results came.");
            var messages = await responses.ReceiveAsync(
                IMessageQueue.MaxBatch, TimeSpan.FromSeconds(1), Lease, CancellationToken.None);
            foreach (var message in messages)
            {
                var results = ResultMessage.TryRead(message.Body) ?? [];
                if (results.Count == 0 || results.Any(result => result.Status != JobStatus.Classified))
                    throw new InvalidOperationException($"A job failed: {message.Body}");
                taken += results.Count;
            }

            await responses.DeleteAsync([.. messages.Select(message => message.Receipt)], CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in _owned) await owned.DisposeAsync();
    }
}
