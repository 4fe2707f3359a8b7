using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Aws.Queues;

/// <summary>Turns a failed call of SQS into an exception of the port.</summary>
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
