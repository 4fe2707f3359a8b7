using System.Text.Json;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.SQS;
using Amazon.SQS.Model;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.EndToEnd.Programs;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>The worker that this service replaces: one message, one picture, everything in turn, with the AWS SDK as it
/// comes.</summary>
internal static class NaiveWorker
{
    /// <summary>Works until it is killed.</summary>
    public static async Task RunAsync(string model, Uri endpoint, string bucket, string requests, string responses)
    {
        using var classifier = OnnxImageClassifier.Load(new OnnxClassifierSettings(
            model, MaxBatch: 1, Threads: 1, new DecodingLimits(100_000_000, 1L << 30, TimeSpan.FromSeconds(30))));
        using var sqs = new AmazonSQSClient(new AmazonSQSConfig
        {
            ServiceURL = endpoint.ToString(),
            AuthenticationRegion = EmulatedAws.Region,
        });
        using var s3 = new AmazonS3Client(new AmazonS3Config
        {
            ServiceURL = endpoint.ToString(),
            AuthenticationRegion = EmulatedAws.Region,
            ForcePathStyle = true,
        });
        Console.WriteLine("started");
        while (true)
        {
            var received = await sqs.ReceiveMessageAsync(
                new ReceiveMessageRequest(requests) { MaxNumberOfMessages = 1, WaitTimeSeconds = 5 });
            if (received.Messages is not [{ } message, ..]) continue;
            var request = JsonSerializer.Deserialize<ClassificationRequest>(message.Body, WireJson.Options)!;
            using var content = new MemoryStream();
            using (var stored = await s3.GetObjectAsync(bucket, request.ImageKey!))
                await stored.ResponseStream.CopyToAsync(content);
            var decoded = (Decoding.Decoded)classifier.Decode(content.ToArray());
            using var picture = decoded.Picture;
            var result = new JobResult(
                request.Job, request.Batch, request.Attempt, JobStatus.Classified, classifier.Classify([picture])[0], null,
                classifier.Model, InstanceId.Parse("naive"), null);
            var text = JsonSerializer.Serialize(result, WireJson.Options);
            await s3.PutObjectAsync(new PutObjectRequest
            {
                BucketName = bucket,
                Key = ObjectKeys.Result(request.Batch, request.Job),
                ContentBody = text,
            });
            await sqs.SendMessageAsync(new SendMessageRequest(responses, text)
            {
                MessageGroupId = request.Job.Value,
                MessageDeduplicationId = request.Job.Value,
            });
            await sqs.DeleteMessageAsync(requests, message.ReceiptHandle);
        }
    }
}
