namespace ImageClassifier.Web.Supervision;

/// <summary>What the Supervisor itself understands; all else it passes on to whom it is for.</summary>
public static class WebSupervisorProtocol
{
    /// <summary>Launches nothing more and finishes with the responses in hand; answered
    /// <see cref="TierDrained"/>.</summary>
    public sealed record DrainTier
    {
        /// <summary>The only one.</summary>
        public static DrainTier Instance { get; } = new();
    }

    /// <summary>The tier can stop.</summary>
    public sealed record TierDrained
    {
        /// <summary>The only one.</summary>
        public static TierDrained Instance { get; } = new();
    }
}
