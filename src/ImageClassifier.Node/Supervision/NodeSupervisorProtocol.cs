using Akka.Actor;

namespace ImageClassifier.Node.Supervision;

/// <summary>The messages of <see cref="NodeSupervisorActor"/>.</summary>
internal interface INodeMessage;

/// <summary>Asks to drain and to end the instance. The reply is <see cref="NodeEnded"/>.</summary>
/// <param name="Reason">The reason, for the log.</param>
/// <param name="Problem">Why the node cannot work, for the operator; null if it can.</param>
internal sealed record EndInstance(string Reason, string? Problem = null) : INodeMessage;

/// <summary>The node has drained, and the instance is marked as ended.</summary>
internal sealed record NodeEnded : INodeMessage
{
    public static NodeEnded Instance { get; } = new();
}

/// <summary>The reason of the actor system's shutdown after its node has ended.</summary>
internal sealed class NodeEndedReason : CoordinatedShutdown.Reason
{
    private NodeEndedReason()
    {
    }

    public static NodeEndedReason Instance { get; } = new();

    public override int ExitCode => 0;
}
