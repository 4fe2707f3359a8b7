using Akka.Actor;

namespace ImageClassifier.Node.Supervision;

/// <summary>What is said to and by the <see cref="NodeSupervisorActor"/>.</summary>
internal interface INodeMessage;

/// <summary>Drain, and end the instance. Answered by <see cref="NodeEnded"/> when that is done.</summary>
/// <param name="Reason">Why, for the log.</param>
/// <param name="Problem">Why the node cannot work, for the operator; null where it can.</param>
internal sealed record EndInstance(string Reason, string? Problem = null) : INodeMessage;

/// <summary>The node has drained, and the instance is marked as ended.</summary>
internal sealed record NodeEnded : INodeMessage
{
    public static NodeEnded Instance { get; } = new();
}

/// <summary>Why the actor system shuts down when its node has ended.</summary>
internal sealed class NodeEndedReason : CoordinatedShutdown.Reason
{
    private NodeEndedReason()
    {
    }

    public static NodeEndedReason Instance { get; } = new();

    public override int ExitCode => 0;
}
