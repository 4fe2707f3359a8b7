using ImageClassifier.Core;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.DeadLetters;

/// <summary>Lets an operator list, redrive or purge what was given up ("letters").</summary>
public interface IDeadLetterDesk
{
    /// <summary>Lists letters and leaves them where they are.</summary>
    /// <param name="max">How many at most.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <exception cref="QueueUnavailableException">The queue could not be reached.</exception>
    /// <exception cref="IOException">The store could not be reached.</exception>
    Task<IReadOnlyList<DeadLetter>> ListAsync(int max, CancellationToken cancellation);

    /// <summary>Sends letters again.</summary>
    /// <param name="jobs">The jobs; null for all.</param>
    /// <param name="onOutcome">Called with the outcome of each letter, and at the end for each job without a
    /// letter.</param>
    /// <param name="cancellation">Stops after the current letter.</param>
    /// <exception cref="QueueUnavailableException">A queue could not be reached. Letters done so far stay done, and it
    /// is safe to call again.</exception>
    /// <exception cref="IOException">The store could not be reached. It is safe to call again.</exception>
    Task RedriveAsync(
        IReadOnlyCollection<JobId>? jobs, Action<LetterOutcome> onOutcome, CancellationToken cancellation);

    /// <summary>Removes letters.</summary>
    /// <param name="jobs">The jobs; null for all.</param>
    /// <param name="onOutcome">Called with the outcome of each letter, and at the end for each job without a
    /// letter.</param>
    /// <param name="cancellation">Stops after the current letter.</param>
    /// <exception cref="QueueUnavailableException">The queue could not be reached.</exception>
    /// <exception cref="IOException">The store could not be reached.</exception>
    Task PurgeAsync(
        IReadOnlyCollection<JobId>? jobs, Action<LetterOutcome> onOutcome, CancellationToken cancellation);
}
