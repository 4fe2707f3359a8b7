using ImageClassifier.Core;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Web.Scaling;

/// <summary>The scaler's commands and answers.</summary>
public static class ScalerProtocol
{
    /// <summary>Marks the commands.</summary>
    public interface IScalerCommand;

    /// <summary>Marks the answers.</summary>
    public interface IScalerAnswer;

    /// <summary>Jobs were sent to the request queue: the scaler observes at once.</summary>
    public sealed record WorkSent(int Jobs) : IScalerCommand;

    /// <summary>Results have arrived. A result that the response queue delivers twice counts twice. That is rare: its
    /// message could not be deleted, a batch did not take another result of the message, or a node published it
    /// again.</summary>
    /// <param name="Instance">The instance that classified the pictures.</param>
    /// <param name="Jobs">The number of results.</param>
    public sealed record JobsDone(InstanceId Instance, int Jobs) : IScalerCommand
    {
        /// <summary>The model of all these results; null if they name none.</summary>
        public ModelIdentity? Model { get; init; }

        /// <summary>How many of the jobs failed.</summary>
        public int Failed { get; init; }

        /// <summary>How many of the jobs were not begun, because their batch was cancelled or its deadline had passed. They
        /// say nothing of the service time.</summary>
        public int NotBegun { get; init; }

        /// <summary>The sum of the probabilities of the best labels.</summary>
        public double ConfidenceSum { get; init; }

        /// <summary>The same with a further result of the instance and the model.</summary>
        public JobsDone With(JobResult result) => this with
        {
            Jobs = Jobs + 1,
            Failed = Failed + (result.Status == JobStatus.Failed ? 1 : 0),
            NotBegun = NotBegun + (result.Error?.Code is JobErrorCodes.Cancelled or JobErrorCodes.Expired ? 1 : 0),
            ConfidenceSum = ConfidenceSum + (result.Predictions.Count > 0 ? result.Predictions[0].Probability : 0),
        };
    }

    /// <summary>Asks for the <see cref="FleetStatus"/>.</summary>
    public sealed record GetFleet : IScalerCommand
    {
        /// <summary>The only one.</summary>
        public static GetFleet Instance { get; } = new();
    }

    /// <summary>Stops all launches, because the web tier stops.</summary>
    public sealed record StopLaunching : IScalerCommand
    {
        /// <summary>The only one.</summary>
        public static StopLaunching Instance { get; } = new();
    }

    /// <summary>The fleet as the scaler last saw it.</summary>
    /// <param name="MaxInstances">The cap.</param>
    /// <param name="Waiting">Visible messages of the request queue.</param>
    /// <param name="InFlight">Messages under lease.</param>
    /// <param name="ServiceTime">The service time, measured or assumed.</param>
    /// <param name="BootTime">The boot time, measured or assumed.</param>
    /// <param name="Instances">The instances alive, and the ones that ended recently.</param>
    /// <param name="Decisions">The last decisions, newest first.</param>
    public sealed record FleetStatus(
        int MaxInstances,
        int Waiting,
        int InFlight,
        TimeSpan ServiceTime,
        TimeSpan BootTime,
        IReadOnlyList<TrackedInstance> Instances,
        IReadOnlyList<DecisionRecord> Decisions) : IScalerAnswer
    {
        /// <summary>Why nodes could not work and ended, newest first.</summary>
        public IReadOnlyList<NodeProblem> Problems { get; init; } = [];

        /// <summary>Whether the nodes launched last could not work and no node runs.</summary>
        public bool AreNodesFailing { get; init; }

        /// <summary>The figures of the models that gave results, latest used first.</summary>
        public IReadOnlyList<ModelFigures> Models { get; init; } = [];
    }

    /// <summary>How a model did.</summary>
    /// <param name="Model">The model.</param>
    /// <param name="Since">When the scaler began to count its results.</param>
    /// <param name="Classified">The number of classified pictures.</param>
    /// <param name="Failed">The number of failed jobs.</param>
    /// <param name="ConfidenceSum">The sum of the probabilities of the best labels.</param>
    public sealed record ModelFigures(
        ModelIdentity Model, DateTimeOffset Since, long Classified, long Failed, double ConfidenceSum);

    /// <summary>Why a node could not work and ended.</summary>
    /// <param name="At">When the scaler learnt of it.</param>
    /// <param name="Instance">The node's instance.</param>
    /// <param name="Reason">The reason, for the operator: it can name files, settings keys and accounts.</param>
    public sealed record NodeProblem(DateTimeOffset At, InstanceId Instance, string Reason);

    /// <summary>A decision, with its reason and its outcome.</summary>
    /// <param name="At">When it was first taken.</param>
    /// <param name="Until">When it was last repeated. Decisions that change nothing are merged.</param>
    /// <param name="Outcome">The outcome.</param>
    /// <param name="Hold">What prevented a launch; null if nothing did.</param>
    /// <param name="Snapshot">What the policy saw.</param>
    /// <param name="Wanted">How many instances were wanted.</param>
    /// <param name="Launched">How many were launched.</param>
    /// <param name="Reason">The reason, as sentences for people.</param>
    public sealed record DecisionRecord(
        DateTimeOffset At,
        DateTimeOffset Until,
        DecisionOutcome Outcome,
        HoldCause? Hold,
        ScalingSnapshot Snapshot,
        int Wanted,
        int Launched,
        string Reason);

    /// <summary>The outcome of a decision.</summary>
    public enum DecisionOutcome
    {
        /// <summary>Nothing waits, and no instance is alive.</summary>
        Idle,

        /// <summary>The running and booting instances are enough.</summary>
        Enough,

        /// <summary>Instances were launched.</summary>
        Launched,

        /// <summary>More are wanted, but a <see cref="HoldCause"/> prevents the launch.</summary>
        Held,
    }

    /// <summary>What can prevent a launch.</summary>
    public enum HoldCause
    {
        /// <summary>The web tier stops.</summary>
        Stopping,

        /// <summary>The notes of earlier launches have not been read, and the fleet may not show all instances.</summary>
        LaunchesUnknown,

        /// <summary>A launch has failed, and the back-off is not over.</summary>
        FailedLaunch,

        /// <summary>The cap is reached.</summary>
        Cap,
    }
}
