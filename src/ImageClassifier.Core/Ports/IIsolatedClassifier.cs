using ImageClassifier.Core.Messages;

namespace ImageClassifier.Core.Ports;

/// <summary>
/// Classifies pictures in a child process, one at a time. A picture that crashes its decoder ends only that process,
/// and the caller learns of it. Safe to call from several threads: calls take turns. Disposal ends the processes.
/// </summary>
public interface IIsolatedClassifier : IDisposable
{
    /// <summary>Classifies one picture.</summary>
    /// <param name="picture">The bytes of the file.</param>
    /// <param name="isAlone">True if the process must not have had another picture before.</param>
    /// <exception cref="OutOfMemoryException">Memory is short. A later call may succeed.</exception>
    Task<IsolatedOutcome> ClassifyAsync(ReadOnlyMemory<byte> picture, bool isAlone);
}

/// <summary>The outcome of a picture in a child process.</summary>
public abstract record IsolatedOutcome
{
    private IsolatedOutcome()
    {
    }

    /// <summary>The picture was classified.</summary>
    /// <param name="Predictions">Its five most probable labels, best first.</param>
    /// <param name="Decoded">The duration of decoding.</param>
    /// <param name="Ran">The duration of the model's run.</param>
    public sealed record Classified(IReadOnlyList<Prediction> Predictions, TimeSpan Decoded, TimeSpan Ran)
        : IsolatedOutcome;

    /// <summary>The picture cannot be classified.</summary>
    public sealed record Refused(JobError Error) : IsolatedOutcome;

    /// <summary>The process ended while it had the picture.</summary>
    /// <param name="How">How it ended.</param>
    /// <param name="HadOthers">True if the process had other pictures before, which may have damaged its
    /// memory.</param>
    /// <param name="Details">Further details, for the log.</param>
    public sealed record Died(ProcessDeath How, bool HadOthers, string Details) : IsolatedOutcome;

    /// <summary>There is no answer, and the picture is not known to be at fault: the process did not start, or it
    /// failed.</summary>
    /// <param name="Reason">The reason, for the log.</param>
    public sealed record Failed(string Reason) : IsolatedOutcome;
}

/// <summary>How a process with a picture ended.</summary>
public enum ProcessDeath
{
    /// <summary>By a fault of its own, such as a segmentation fault.</summary>
    Crashed,

    /// <summary>By a signal such as SIGKILL. The picture, the out-of-memory killer or a person may be the
    /// cause.</summary>
    Killed,

    /// <summary>It gave no answer within its time-out and was killed.</summary>
    TimedOut,
}
