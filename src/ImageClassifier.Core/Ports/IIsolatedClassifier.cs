using ImageClassifier.Core.Messages;

namespace ImageClassifier.Core.Ports;

/// <summary>
/// Classifies a picture in a process of its own, one picture at a time. A picture that crashes its decoder ends that
/// process; the caller lives on and learns of it. Safe to call from several threads: calls take turns. </summary>
public interface IIsolatedClassifier
{
    /// <summary>Classifies one picture.</summary>
    /// <param name="picture">The whole file.</param>
    /// <param name="isAlone">Whether its process must have had no other picture before.</param>
    /// <exception cref="OutOfMemoryException">Memory is short; the picture may go well in a while.</exception>
    Task<IsolatedOutcome> ClassifyAsync(ReadOnlyMemory<byte> picture, bool isAlone);
}

/// <summary>What came of a picture in a process of its own.</summary>
public abstract record IsolatedOutcome
{
    private IsolatedOutcome()
    {
    }

    /// <summary>It was classified.</summary>
    /// <param name="Predictions">Its five most probable labels, best first.</param>
    /// <param name="Decoded">How long decoding took.</param>
    /// <param name="Ran">How long the model's run took.</param>
    public sealed record Classified(IReadOnlyList<Prediction> Predictions, TimeSpan Decoded, TimeSpan Ran)
        : IsolatedOutcome;

    /// <summary>The picture cannot be classified, and why.</summary>
    public sealed record Refused(JobError Error) : IsolatedOutcome;

    /// <summary>The process ended while it had the picture.</summary>
    /// <param name="How">How it ended.</param>
    /// <param name="HadOthers">Whether it had other pictures before: one of those may have damaged its memory.</param>
    /// <param name="Details">What is known besides, for the log.</param>
    public sealed record Died(ProcessDeath How, bool HadOthers, string Details) : IsolatedOutcome;

    /// <summary>No answer came, and that says nothing of the picture: no process could be started, or it
    /// failed.</summary>
    /// <param name="Reason">Why, for the log.</param>
    public sealed record Failed(string Reason) : IsolatedOutcome;
}

/// <summary>How a process ended that had a picture.</summary>
public enum ProcessDeath
{
    /// <summary>By a fault of its own, such as a segmentation fault.</summary>
    Crashed,

    /// <summary>By a signal such as SIGKILL: the picture, the system's lack of memory or a person may have done
    /// it.</summary>
    Killed,

    /// <summary>It had no answer within the limit, and was ended for it.</summary>
    TimedOut,
}
