namespace ImageClassifier.Node.Tuning;

/// <summary>What the idle measurement hears of the node.</summary>
internal interface IIdleTuningMessage;

/// <summary>The node has no message in hand, and its last poll brought none.</summary>
internal sealed record NodeIdle : IIdleTuningMessage
{
    public static NodeIdle Instance { get; } = new();
}

/// <summary>The node has messages in hand.</summary>
internal sealed record NodeBusy : IIdleTuningMessage
{
    public static NodeBusy Instance { get; } = new();
}
