using System.Security.Cryptography;
using System.Text;

namespace ImageClassifier.Core.Messages;

/// <summary>A message of the response queue: the result of one job as a JSON object, or the results of up to
/// <see cref="MaxResults"/> jobs as a JSON array.</summary>
public static class ResultMessage
{
    /// <summary>The most results in a message.</summary>
    public const int MaxResults = 10;

    /// <summary>The message with one result.</summary>
    /// <param name="result">The result.</param>
    /// <param name="attempt">The requested attempt. A stored result can be of an earlier one.</param>
    public static OutgoingMessage Of(JobResult result, int attempt) =>
        new(WireJson.Write(result), result.Job.Value, ClassificationRequest.DeduplicationId(result.Job, attempt));

    /// <summary>Joins messages with one result each into one message. It has the group of the first.</summary>
    public static OutgoingMessage Join(IReadOnlyList<OutgoingMessage> messages) =>
        messages.Count == 1
            ? messages[0]
            : new OutgoingMessage(
                $"[{string.Join(',', messages.Select(message => message.Body))}]",
                messages[0].GroupId,
                Digest(messages.Select(message => message.DeduplicationId)));

    /// <summary>Reads the results of a message, whole or not; null if it is not a message of the response queue.</summary>
    public static IReadOnlyList<JobResult>? TryRead(string body)
    {
        if (body.AsSpan().TrimStart() is not ['[', ..])
            return WireJson.TryRead<JobResult>(body) is { } result ? [result] : null;

        var results = WireJson.TryRead<JobResult[]>(body);
        return results is { Length: > 0 and <= MaxResults } && Array.TrueForAll(results, one => one is not null)
            ? results
            : null;
    }

    // With the id of the first result, the queue would drop a message with the same first result and other companions.
    private static string Digest(IEnumerable<string> deduplicationIds) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', deduplicationIds))));
}
