namespace ImageClassifier.Node.Polling;

/// <summary>The messages of <see cref="PollerActor"/>.</summary>
internal interface IPollerMessage;

/// <summary>Asks to receive nothing more, and to finish or hand back the messages in hand. <see cref="PollerDrained"/>
/// follows.</summary>
internal sealed record DrainPoller : IPollerMessage
{
    public static DrainPoller Instance { get; } = new();
}

/// <summary>Asks to receive nothing more, and to finish all messages in hand. <see cref="PollerDrained"/> follows. A
/// <see cref="DrainPoller"/> may follow as well, if that takes too long.</summary>
internal sealed record RunPollerDry : IPollerMessage
{
    public static RunPollerDry Instance { get; } = new();
}

/// <summary>The poller has started to poll. Sent to its owner.</summary>
internal sealed record PollingStarted : IPollerMessage
{
    public static PollingStarted Instance { get; } = new();
}

/// <summary>A poll has ended. Sent to the poller's owner.</summary>
/// <param name="Received">The number of messages that the poll received.</param>
/// <param name="InHand">The number of messages that are now in hand.</param>
/// <param name="Failed">True if the poll failed. Then it says nothing about the queue.</param>
internal sealed record PollFinished(int Received, int InHand, bool Failed) : IPollerMessage
{
    /// <summary>Why the poll failed; null if it succeeded.</summary>
    public string? Failure { get; init; }

    /// <summary>True if the queue refuses polls for good.</summary>
    public bool IsRefused { get; init; }
}

/// <summary>The node cannot do its work, whatever the picture. Sent to the poller's owner.</summary>
/// <param name="Problem">The reason, for the operator.</param>
internal sealed record NodeUnhealthy(string Problem) : IPollerMessage;

/// <summary>All messages are settled, and the poller stops. Sent to its owner.</summary>
internal sealed record PollerDrained : IPollerMessage
{
    public static PollerDrained Instance { get; } = new();
}
