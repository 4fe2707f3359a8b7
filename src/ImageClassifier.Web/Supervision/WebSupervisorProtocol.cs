namespace ImageClassifier.Web.Supervision;

/// <summary>The messages of the <see cref="WebSupervisorActor"/>.</summary>
public static class WebSupervisorProtocol
{
    /// <summary>Stops launches, unless another web node goes on with them, and finishes the responses in hand. The
    /// answer is <see cref="TierDrained"/>.</summary>
    public sealed record DrainTier
    {
        /// <summary>The only one.</summary>
        public static DrainTier Instance { get; } = new();
    }

    /// <summary>The tier is drained and can stop.</summary>
    public sealed record TierDrained
    {
        /// <summary>The only one.</summary>
        public static TierDrained Instance { get; } = new();
    }
}
