using System.Globalization;
using Amazon.SQS.Model;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Aws.Queues;

/// <summary>The outcomes of the entries of a batch call to SQS. The SDK leaves empty lists null.</summary>
internal sealed class BatchAnswer(
    IEnumerable<string>? successful,
    IEnumerable<BatchResultErrorEntry>? failed,
    Func<BatchResultErrorEntry, QueueOutcomeKind> kindOf)
{
    private static readonly QueueOutcome Unanswered =
        new(QueueOutcomeKind.Retriable, "SQS gave no outcome for this entry.");

    private readonly Dictionary<string, QueueOutcome> _outcomes = Collect(successful, failed, kindOf);

    /// <summary>The id of the entry at an index.</summary>
    public static string IdOf(int index) => index.ToString(CultureInfo.InvariantCulture);

    /// <summary>The outcome of a failed entry of a send.</summary>
    public static QueueOutcomeKind OfSend(BatchResultErrorEntry error) =>
        IsRefused(error) ? QueueOutcomeKind.Refused
        : IsWrong(error) ? QueueOutcomeKind.Invalid
        : QueueOutcomeKind.Retriable;

    /// <summary>The outcome of a failed entry of a delete or an extend. FIFO queues answer <c>InvalidParameterValue</c>
    /// for an expired receipt. The other values of the entry were checked before.</summary>
    public static QueueOutcomeKind OfReceipt(BatchResultErrorEntry error) => CodeOf(error) switch
    {
        "ReceiptHandleIsInvalid" or "InvalidParameterValue" or "MessageNotInflight" => QueueOutcomeKind.LeaseLost,
        _ => OfSend(error),
    };

    /// <summary>The outcomes of the first entries.</summary>
    public QueueOutcome[] Outcomes(int count) => [.. Enumerable.Range(0, count).Select(OutcomeOf)];

    /// <summary>Puts the outcomes of some entries at their indices.</summary>
    public void CopyTo(QueueOutcome[] outcomes, IEnumerable<int> indices)
    {
        foreach (var i in indices) outcomes[i] = OutcomeOf(i);
    }

    private static Dictionary<string, QueueOutcome> Collect(
        IEnumerable<string>? successful,
        IEnumerable<BatchResultErrorEntry>? failed,
        Func<BatchResultErrorEntry, QueueOutcomeKind> kindOf)
    {
        var outcomes = (successful ?? []).ToDictionary(id => id, _ => QueueOutcome.Done);
        foreach (var error in failed ?? [])
            outcomes[error.Id] = new QueueOutcome(kindOf(error), $"{error.Code}: {error.Message}");
        return outcomes;
    }

    private QueueOutcome OutcomeOf(int index) => _outcomes.GetValueOrDefault(IdOf(index), Unanswered);

    // SQS calls these the sender's fault although the entry is right.
    private static bool IsRefused(BatchResultErrorEntry error) =>
        CodeOf(error) is { } code
        && (code.StartsWith("AccessDenied", StringComparison.Ordinal)
            || code is "KmsAccessDenied" or "KmsDisabled" or "KmsInvalidState" or "KmsNotFound" or "KmsOptInRequired"
                or "KmsInvalidKeyUsage");

    // SQS calls some codes that ask for a later retry the sender's fault.
    private static bool IsWrong(BatchResultErrorEntry error) =>
        error.SenderFault == true
        && CodeOf(error) is not ("OverLimit" or "RequestLimitExceeded")
        && !CodeOf(error).Contains("Throttl", StringComparison.OrdinalIgnoreCase);

    // Some codes have a namespace: AWS.SimpleQueueService.InternalError.
    private static string CodeOf(BatchResultErrorEntry error) =>
        error.Code is { } code ? code[(code.LastIndexOfAny(['.', '#']) + 1)..] : "";
}
