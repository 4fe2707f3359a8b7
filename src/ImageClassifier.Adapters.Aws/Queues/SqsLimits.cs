using System.Text;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Aws.Queues;

/// <summary>SQS's limits for messages. Some regions accept larger bodies, but the port promises only these
/// limits.</summary>
internal static class SqsLimits
{
    /// <summary>The limit of one body, and of all bodies of a call together, in bytes as UTF-8.</summary>
    public const int MaxBytes = OutgoingMessage.MaxBodyBytes;

    private const int MaxIdLength = 128;

    /// <summary>Finds a message that SQS would refuse. Sent to SQS, it could make the whole call fail.</summary>
    public static QueueOutcome Check(OutgoingMessage message) =>
        message.GroupId.Length is 0 or > MaxIdLength ? Invalid($"A group id has 1 to {MaxIdLength} characters.")
        : message.DeduplicationId.Length is 0 or > MaxIdLength
            ? Invalid($"A deduplication id has 1 to {MaxIdLength} characters.")
        : message.Body.Length == 0 ? Invalid("A body has at least one character.")
        : Encoding.UTF8.GetByteCount(message.Body) > MaxBytes ? Invalid("A body has at most 256 KiB as UTF-8.")
        : QueueOutcome.Done;

    /// <summary>Divides messages into as few calls as their sizes allow, in order.</summary>
    /// <returns>Their indices, by call.</returns>
    public static IEnumerable<IReadOnlyList<int>> Calls(IReadOnlyList<OutgoingMessage> messages, Func<int, bool> isGood)
    {
        var call = new List<int>();
        var bytes = 0;
        foreach (var i in Enumerable.Range(0, messages.Count).Where(isGood))
        {
            var size = Encoding.UTF8.GetByteCount(messages[i].Body);
            if (call.Count > 0 && bytes + size > MaxBytes)
            {
                yield return call;
                (call, bytes) = ([], 0);
            }

            call.Add(i);
            bytes += size;
        }

        if (call.Count > 0) yield return call;
    }

    private static QueueOutcome Invalid(string reason) => new(QueueOutcomeKind.Invalid, reason);
}
