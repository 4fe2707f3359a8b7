namespace ImageClassifier.Node.Polling;

/// <summary>What is said to and by the <see cref="PollerActor"/>.</summary>
internal interface IPollerMessage;

/// <summary>Take no more work, and finish or hand back what was taken. Followed by
/// <see cref="PollerDrained"/>.</summary>
internal sealed record DrainPoller : IPollerMessage
{
    public static DrainPoller Instance { get; } = new();
}

/// <summary>The poller has begun to poll. Told to its owner.</summary>
internal sealed record PollingStarted : IPollerMessage
{
    public static PollingStarted Instance { get; } = new();
}

/// <summary>A poll ended. Told to its owner.</summary>
/// <param name="Received">How many messages it brought.</param>
/// <param name="InHand">How many messages are in hand now.</param>
/// <param name="Failed">Whether it failed, and so says nothing of the queue.</param>
internal sealed record PollFinished(int Received, int InHand, bool Failed) : IPollerMessage
{
    /// <summary>Why it failed.</summary>
    public string? Failure { get; init; }

    /// <summary>Whether the queue refuses polls for good.</summary>
    public bool IsRefused { get; init; }
}

/// <summary>The node cannot do its work, whatever the picture. Told to its owner.</summary>
/// <param name="Problem">Why, for the operator.</param>
internal sealed record NodeUnfit(string Problem) : IPollerMessage;

/// <summary>Everything that was taken is settled, and the poller stops. Told to its owner.</summary>
internal sealed record PollerDrained : IPollerMessage
{
    public static PollerDrained Instance { get; } = new();
}
