using Polly;
using Polly.Retry;

namespace ImageClassifier.Streams;

/// <summary>The number of tries of a call, and the pauses between them.</summary>
/// <param name="Attempts">The most calls, including the first; at least 1.</param>
/// <param name="MinBackoff">The first pause. It doubles, with jitter.</param>
/// <param name="MaxBackoff">The longest pause.</param>
public sealed record RetryPolicy(int Attempts, TimeSpan MinBackoff, TimeSpan MaxBackoff)
{
    /// <summary>The most calls if each is refused for good, whatever the policy: about ten seconds. More than one,
    /// because a new permission takes a few seconds until it holds everywhere.</summary>
    public const int RefusedAttempts = 6;

    /// <summary>Five calls within about two seconds: enough for a short failure, and well within a lease.</summary>
    public static RetryPolicy Default { get; } = new(5, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1));

    /// <summary>Makes a pipeline that retries calls with the pauses of this policy. It is safe from any thread, so one
    /// serves many calls.</summary>
    /// <param name="time">The clock of the pauses.</param>
    /// <param name="mostCalls">For the outcome of a call: the most calls in all, including the first. With 1 the outcome
    /// is final.</param>
    public ResiliencePipeline CreatePipeline(TimeProvider time, Func<Outcome<object>, int> mostCalls)
    {
        var backoff = new Backoff(MinBackoff, MaxBackoff);
        return new ResiliencePipelineBuilder { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = int.MaxValue,
                ShouldHandle = failed => ValueTask.FromResult(failed.AttemptNumber + 1 < mostCalls(failed.Outcome)),
                // Polly's own pauses lose their jitter at the maximum: nodes would return together after an outage.
                DelayGenerator = failed =>
                    ValueTask.FromResult<TimeSpan?>(backoff.PauseAfter(failed.AttemptNumber + 1)),
            })
            .Build();
    }
}
