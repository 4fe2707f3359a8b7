using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Streams;
using Polly;

namespace ImageClassifier.Node.Polling;

/// <summary>Retries calls while the store, a queue or free memory is missing. Handing messages back instead would use
/// up their receives, and the node would receive more of them meanwhile. So the node keeps its messages and renews
/// their leases. It receives no more once its credits are used up. Safe from any thread.</summary>
/// <param name="policy">The number of tries, and the pauses between them.</param>
/// <param name="time">The clock of the pauses.</param>
/// <param name="health">If the node is unhealthy, it is ending: a failed call is not retried.</param>
internal sealed class OutageRetries(RetryPolicy policy, TimeProvider time, NodeHealth? health = null)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);

    // The number of pauses, doubling from the first, before the longest pause is reached.
    private const int ShortPauses = 6;

    private readonly ResiliencePipeline _pipeline =
        policy.CreatePipeline(time, outcome => MostCalls(outcome.Exception, policy, health));

    /// <summary>About ten seconds in all: for a resource that this node lacks and another node may have.</summary>
    public static RetryPolicy Brief { get; } =
        new(6, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5));

    /// <summary>About as long as a message may be held.</summary>
    /// <param name="maxLease">The longest time for which a message may be held.</param>
    public static RetryPolicy Patient(TimeSpan maxLease) =>
        new(ShortPauses + (int)(maxLease / LongestPause), TimeSpan.FromMilliseconds(200), LongestPause);

    /// <summary>Retries a call while the store cannot be reached or memory is short. A call that the store refuses for
    /// good is retried only <see cref="RetryPolicy.RefusedAttempts"/> times.</summary>
    /// <exception cref="StoreRefusedException">The store refused each try.</exception>
    /// <exception cref="IOException">The outage outlasted the retries.</exception>
    /// <exception cref="OutOfMemoryException">Memory stayed short on each try.</exception>
    public Task<T> RunAsync<T>(Func<Task<T>> call) =>
        _pipeline.ExecuteAsync(_ => new ValueTask<T>(call())).AsTask();

    private static int MostCalls(Exception? failure, RetryPolicy policy, NodeHealth? health) => failure switch
    {
        not (IOException or OutOfMemoryException) => 1,
        _ when health is { IsUnhealthy: true } => 1,
        IPermanentRefusal => RetryPolicy.RefusedAttempts,
        _ => policy.Attempts,
    };
}
