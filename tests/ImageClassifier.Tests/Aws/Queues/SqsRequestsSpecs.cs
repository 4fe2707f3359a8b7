using Amazon.SQS.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Queues;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Aws.Emulator;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Aws.Queues;

/// <summary>The number of requests for each picture.</summary>
[Collection(EmulatedAws.Name)]
public sealed class SqsRequestsSpecs(EmulatedAws aws, ITestOutputHelper output)
{
    [SkippableFact]
    public async Task Three_hundred_messages_take_three_tenths_of_a_request_each()
    {
        const int messages = 300;
        using var clients = EmulatedAws.ClientsOf(aws.Endpoint);
        var sqs = clients.Sqs(TimeSpan.FromSeconds(5));
        var created = await sqs.CreateQueueAsync(new CreateQueueRequest($"{Guid.NewGuid():n}.fifo")
        {
            Attributes = new() { ["FifoQueue"] = "true" },
        });
        var queue = new SqsMessageQueue(sqs, new Uri(created.QueueUrl));
        var before = clients.Requests.Of("SQS");

        foreach (var chunk in Enumerable.Range(0, messages).Chunk(IMessageQueue.MaxBatch))
        {
            await queue.SendAsync(
                [.. chunk.Select(i => new OutgoingMessage($"{i}", $"group-{i}", $"once-{i}"))], default);
        }

        for (var deleted = 0; deleted < messages;)
        {
            var received = await queue.ReceiveAsync(
                IMessageQueue.MaxBatch, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), default);
            Assert.NotEmpty(received);
            await queue.DeleteAsync([.. received.Select(message => message.Receipt)], default);
            deleted += received.Count;
        }

        var perMessage = (clients.Requests.Of("SQS") - before) / (double)messages;
        output.WriteLine($"{perMessage:f3} requests a message: {Describe(clients.Requests)}");
        Assert.InRange(perMessage, 0, 0.31);
    }

    private static string Describe(AwsRequestCounter requests) =>
        string.Join(", ", requests.ByOperation.Select(count => $"{count.Key} {count.Value}"));
}
