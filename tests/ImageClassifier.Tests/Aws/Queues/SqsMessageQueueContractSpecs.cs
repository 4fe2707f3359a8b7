using System.Globalization;
using Amazon.SQS.Model;
using ImageClassifier.Adapters.Aws.Queues;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Aws.Emulator;
using ImageClassifier.Tests.Contracts;
using Xunit;

namespace ImageClassifier.Tests.Aws.Queues;

/// <summary>The adapter reads no clock, so there is none to skew.</summary>
[Collection(EmulatedAws.Name)]
public sealed class SqsMessageQueueContractSpecs(EmulatedAws aws) : MessageQueueContract
{
    // FIFO queues refuse an expired receipt.
    protected override bool DeletesAfterLease => false;

    // fauxqs accepts every receipt. SqsFailureSpecs shows AWS's answers.
    protected override bool RefusesStaleDeletes => false;

    // fauxqs accepts only the basic multilingual plane.
    protected override string RichText => "grüße";

    protected override Task<IQueueUnderTest> CreateAsync() => SqsQueueUnderTest.CreateAsync(aws, MaxReceives);
}

[Collection(EmulatedAws.Name)]
public sealed class SqsDeadLetterQueueContractSpecs(EmulatedAws aws) : DeadLetterQueueContract
{
    protected override Task<IQueueUnderTest> CreateAsync() => SqsQueueUnderTest.CreateAsync(aws, MaxReceives);
}

internal sealed class SqsQueueUnderTest(EmulatedAws aws, string url, string deadLettersUrl) : IQueueUnderTest
{
    public static async Task<IQueueUnderTest> CreateAsync(EmulatedAws aws, int maxReceives)
    {
        var name = Guid.NewGuid().ToString("n");
        var deadLetters = await CreateQueueAsync(aws, $"{name}-dead.fifo", []);
        var arn = (await aws.Sqs.GetQueueAttributesAsync(deadLetters, ["QueueArn"])).QueueARN;
        var redrive = string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"deadLetterTargetArn":"{{arn}}","maxReceiveCount":{{maxReceives}}}""");
        var queue = await CreateQueueAsync(aws, $"{name}.fifo", new() { ["RedrivePolicy"] = redrive });
        return new SqsQueueUnderTest(aws, queue, deadLetters);
    }

    public IMessageQueue Open() => new SqsMessageQueue(aws.Sqs, new Uri(url));

    public IMessageQueue OpenDeadLetters() => new SqsMessageQueue(aws.Sqs, new Uri(deadLettersUrl));

    public async ValueTask DisposeAsync()
    {
        await aws.Sqs.DeleteQueueAsync(url);
        await aws.Sqs.DeleteQueueAsync(deadLettersUrl);
    }

    private static async Task<string> CreateQueueAsync(
        EmulatedAws aws, string name, Dictionary<string, string> attributes)
    {
        attributes["FifoQueue"] = "true";
        attributes["DeduplicationScope"] = "messageGroup";
        attributes["FifoThroughputLimit"] = "perMessageGroupId";
        var request = new CreateQueueRequest(name) { Attributes = attributes };
        return (await aws.Sqs.CreateQueueAsync(request)).QueueUrl;
    }
}
