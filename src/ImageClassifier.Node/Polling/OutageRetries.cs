using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>Calls of a store or queue that may be away for a while, or for memory that others have. To hand a message
/// back would spend its receives, and more of them would be taken meanwhile; so the node keeps what it has, with the
/// leases renewed, and takes no more once its hand is full.</summary>
internal static class OutageRetries
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);

    // So many come before the longest pause.
    private const int ShortPauses = 6;

    /// <summary>About ten seconds in all: for what this node lacks, and another may have.</summary>
    public static RetryPolicy Brief { get; } =
        new(6, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5));

    /// <summary>About as long as a message may be held in all.</summary>
    /// <param name="maxLease">How long that is.</param>
    public static RetryPolicy Patient(TimeSpan maxLease) =>
        new(ShortPauses + (int)(maxLease / LongestPause), TimeSpan.FromMilliseconds(200), LongestPause);

    /// <summary>Calls, and calls again where the store cannot be reached, or memory is short; a few times also where
    /// the store refuses the call for good.</summary>
    /// <exception cref="StoreRefusedException">It refused each time.</exception>
    /// <exception cref="IOException">It could not be reached for too long.</exception>
    /// <exception cref="OutOfMemoryException">Memory was short for too long.</exception>
    /// <param name="call">The call.</param>
    /// <param name="policy">How often it is made.</param>
    /// <param name="time">Measures the pauses.</param>
    /// <param name="fitness">Once the node is unfit, and ends, a call that fails is not made again.</param>
    public static async Task<T> RunAsync<T>(
        Func<Task<T>> call, RetryPolicy policy, TimeProvider time, Fitness? fitness = null)
    {
        var backoff = new Backoff(policy.MinBackoff, policy.MaxBackoff);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call();
            }
            catch (Exception failure) when (
                failure is IOException or OutOfMemoryException && attempt < MostAttempts(failure, policy, fitness))
            {
                await Task.Delay(backoff.Next(), time);
            }
        }
    }

    private static int MostAttempts(Exception failure, RetryPolicy policy, Fitness? fitness) =>
        fitness is { IsUnfit: true } ? 1
        : failure is IPermanentRefusal ? Math.Min(policy.Attempts, RetryPolicy.RefusedAttempts)
        : policy.Attempts;
}
