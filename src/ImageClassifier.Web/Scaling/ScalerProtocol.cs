using ImageClassifier.Core;

namespace ImageClassifier.Web.Scaling;

/// <summary>What the scaler understands and answers.</summary>
public static class ScalerProtocol
{
    /// <summary>Marks the commands.</summary>
    public interface IScalerCommand;

    /// <summary>Jobs were sent to the request queue, so there is reason to look at once.</summary>
    public sealed record WorkSent(int Jobs) : IScalerCommand;

    /// <summary>The result of a job has come back.</summary>
    /// <param name="Instance">The instance that did it.</param>
    public sealed record JobDone(InstanceId Instance) : IScalerCommand;

    /// <summary>Asks for <see cref="FleetView"/>.</summary>
    public sealed record GetFleet : IScalerCommand
    {
        /// <summary>The only one.</summary>
        public static GetFleet Instance { get; } = new();
    }

    /// <summary>Launches nothing any more: the web tier stops.</summary>
    public sealed record StopLaunching : IScalerCommand
    {
        /// <summary>The only one.</summary>
        public static StopLaunching Instance { get; } = new();
    }

    /// <summary>The fleet as the scaler last saw it.</summary>
    /// <param name="MaxInstances">The cap.</param>
    /// <param name="Waiting">Visible messages of the request queue.</param>
    /// <param name="InFlight">Messages under lease.</param>
    /// <param name="ServiceTime">How long one instance takes for one picture, as far as it is known.</param>
    /// <param name="BootTime">How long an instance boots, as far as it is known.</param>
    /// <param name="Instances">Those alive, and those that ended lately.</param>
    /// <param name="Decisions">The last decisions, newest first.</param>
    public sealed record FleetView(
        int MaxInstances,
        int Waiting,
        int InFlight,
        TimeSpan ServiceTime,
        TimeSpan BootTime,
        IReadOnlyList<KnownInstance> Instances,
        IReadOnlyList<DecisionRecord> Decisions)
    {
        /// <summary>Why nodes ended that could not work, newest first.</summary>
        public IReadOnlyList<NodeProblem> Problems { get; init; } = [];

        /// <summary>Whether the nodes that were launched last could not work, and none runs.</summary>
        public bool AreNodesFailing { get; init; }
    }

    /// <summary>Why a node ended that could not work.</summary>
    /// <param name="At">When the scaler learnt of it.</param>
    /// <param name="Instance">The node's instance.</param>
    /// <param name="Reason">Why, for the operator: it may name files, keys of settings and accounts.</param>
    public sealed record NodeProblem(DateTimeOffset At, InstanceId Instance, string Reason);

    /// <summary>A decision, with what was seen and done.</summary>
    /// <param name="At">When it was first taken.</param>
    /// <param name="Until">When it was last taken the same; decisions that change nothing are folded.</param>
    /// <param name="Outcome">What came of it.</param>
    /// <param name="Hold">What stood against launching; null where nothing did.</param>
    /// <param name="Seen">What was seen.</param>
    /// <param name="Wanted">How many instances were wanted.</param>
    /// <param name="Launched">How many were launched.</param>
    /// <param name="Reason">Why, as sentences for people.</param>
    public sealed record DecisionRecord(
        DateTimeOffset At,
        DateTimeOffset Until,
        DecisionOutcome Outcome,
        HoldCause? Hold,
        ScalingSnapshot Seen,
        int Wanted,
        int Launched,
        string Reason);

    /// <summary>What comes of a decision.</summary>
    public enum DecisionOutcome
    {
        /// <summary>Nothing waits, and the fleet is at zero.</summary>
        Idle,

        /// <summary>The instances that are there, or coming, are enough.</summary>
        Enough,

        /// <summary>Instances were launched.</summary>
        Launched,

        /// <summary>More are wanted, but something stands against it: a <see cref="HoldCause"/>.</summary>
        Held,
    }

    /// <summary>What can stand against launching.</summary>
    public enum HoldCause
    {
        /// <summary>The web tier stops.</summary>
        Stopping,

        /// <summary>It has just started, and launches of an earlier one may not show yet.</summary>
        Settling,

        /// <summary>A launch has failed, and the pause after it is not over.</summary>
        FailedLaunch,

        /// <summary>There are as many instances as there may be.</summary>
        Cap,
    }
}
