namespace ImageClassifier.Host.Models;

/// <summary>A model cannot be added, shown or removed. The message tells the user what happened, why, and what to
/// do.</summary>
internal sealed class ModelFailureException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True if the command itself is wrong, so that nothing was done.</summary>
    public bool IsWrongUse { get; init; }
}
