using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>Calls of a store or queue that may be away for a while. To hand a message back at once would spend all its
/// receives within a second, so the node waits first, with the message's lease renewed.</summary>
internal static class OutageRetries
{
    /// <summary>About ten seconds in all: before work is done.</summary>
    public static RetryPolicy Brief { get; } =
        new(6, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5));

    /// <summary>About two minutes in all: where the work is done already, or the message will not come back.</summary>
    public static RetryPolicy Patient { get; } =
        new(14, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(15));

    /// <summary>Calls, and calls again where the store cannot be reached.</summary>
    /// <exception cref="IOException">It could not be reached for too long.</exception>
    public static async Task<T> RunAsync<T>(Func<Task<T>> call, RetryPolicy policy, TimeProvider time)
    {
        var backoff = new Backoff(policy.MinBackoff, policy.MaxBackoff);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call();
            }
            catch (IOException) when (attempt < policy.Attempts)
            {
                await Task.Delay(backoff.Next(), time);
            }
        }
    }
}
