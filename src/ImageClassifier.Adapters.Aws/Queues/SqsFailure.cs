using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Aws.Queues;

/// <summary>A failed call of SQS in the port's terms.</summary>
internal static class SqsFailure
{
    public static QueueUnavailableException Of(string operation, Exception failure)
    {
        var message = AwsFailure.Describe("SQS", operation, failure);
        return AwsRefusals.IsPermanent(failure)
            ? new QueueRefusedException(message, failure)
            : new QueueUnavailableException(message, failure);
    }
}
