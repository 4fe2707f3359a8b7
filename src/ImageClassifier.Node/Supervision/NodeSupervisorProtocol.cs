using Akka.Actor;

namespace ImageClassifier.Node.Supervision;

/// <summary>The messages of <see cref="NodeSupervisorActor"/>.</summary>
internal interface INodeMessage;

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
