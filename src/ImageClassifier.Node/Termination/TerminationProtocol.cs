namespace ImageClassifier.Node.Termination;

/// <summary>The messages that ask for the end of the node.</summary>
internal interface ITerminationMessage;

/// <summary>Asks to drain and to end the instance. The supervisor replies when both are done.</summary>
/// <param name="Reason">The reason, for the log.</param>
/// <param name="Problem">Why the node cannot work, for the operator; null if it can.</param>
internal sealed record EndInstance(string Reason, string? Problem = null) : ITerminationMessage
{
    /// <summary>True if the node first finishes all messages in hand, rather than hand some back. There is no
    /// hurry.</summary>
    public bool FinishesWork { get; init; }
}
