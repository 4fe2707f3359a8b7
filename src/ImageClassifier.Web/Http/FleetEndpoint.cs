using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Registry;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Scaling;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Http;

/// <summary><c>GET /api/fleet</c>: the instances, the backlog, the models and how they did, why nodes could not work,
/// the accepted picture formats, and the last scaling decisions.</summary>
internal static class FleetEndpoint
{
    public static async Task<IResult> GetAsync(
        IRequiredActor<ScalerActor> scaler, ModelChoice models, KnownModels known, UploadSettings uploads,
        CancellationToken cancellation)
    {
        var showing = models.ShownAsync(cancellation);
        var fleet = await scaler.ActorRef.Ask<FleetStatus>(GetFleet.Instance, EdgeTimeouts.Answer, cancellation);
        return TypedResults.Ok(FleetDocument.Of(fleet, await showing, known, uploads.Formats));
    }

    /// <summary>The fleet in the API.</summary>
    /// <param name="MaxInstances">The most app nodes at once.</param>
    /// <param name="Waiting">Pictures that wait for a node.</param>
    /// <param name="InFlight">Pictures that nodes have in hand.</param>
    /// <param name="Backlog">Both together.</param>
    /// <param name="ServiceTimeMs">How long a busy node takes for a picture, measured or assumed.</param>
    /// <param name="BootTimeSeconds">How long a node takes from launch to its first poll, measured or assumed.</param>
    /// <param name="Instances">The nodes that are alive, and those that ended recently, in the order of their
    /// launch.</param>
    /// <param name="Models">The models: active, canary, of the setting, earlier, and others that gave results.</param>
    /// <param name="Rollout">The models of new batches; null if new batches get the model of the setting.</param>
    /// <param name="Problems">Why nodes could not work and ended, newest first.</param>
    /// <param name="Formats">The picture formats that uploads may have, in words.</param>
    /// <param name="Decisions">The last decisions of the scaler, newest first.</param>
    internal sealed record FleetDocument(
        int MaxInstances,
        int Waiting,
        int InFlight,
        int Backlog,
        double ServiceTimeMs,
        double BootTimeSeconds,
        IEnumerable<InstanceDocument> Instances,
        IEnumerable<ModelDocument> Models,
        RolloutDocument? Rollout,
        IEnumerable<NodeProblemDocument> Problems,
        string Formats,
        IEnumerable<DecisionDocument> Decisions)
    {
        public static FleetDocument Of(
            FleetStatus fleet, RegistryState? registry, KnownModels known, AllowedFormats formats) => new(
            fleet.MaxInstances, fleet.Waiting, fleet.InFlight, fleet.Waiting + fleet.InFlight,
            fleet.ServiceTime.TotalMilliseconds, fleet.BootTime.TotalSeconds,
            fleet.Instances.OrderBy(instance => instance.Reported.LaunchedAt).Select(InstanceDocument.Of),
            new FleetModels(fleet, registry, known).Documents,
            RolloutDocument.Of(registry?.Rollout),
            fleet.Problems.Select(problem => new NodeProblemDocument(problem.At, problem.Instance, problem.Reason)),
            formats.Names,
            fleet.Decisions.Select(decision => new DecisionDocument(
                decision.At, decision.Until, decision.Outcome, decision.Hold,
                decision.Snapshot.Waiting, decision.Snapshot.Backlog,
                decision.Snapshot.Fleet.Pending, decision.Snapshot.Fleet.Running, decision.Snapshot.Fleet.Draining,
                decision.Snapshot.ServiceTime.TotalMilliseconds, decision.Snapshot.BootTime.TotalSeconds,
                decision.Wanted, decision.Launched, decision.Reason)));
    }

    /// <summary>An app node.</summary>
    /// <param name="InstanceId">The name of its process or machine.</param>
    /// <param name="State">Its state.</param>
    /// <param name="LaunchedAt">When it was launched.</param>
    /// <param name="RunningAt">When it first polled; null if it has not, or if it is unknown.</param>
    /// <param name="EndedAt">When it ended; null while it lives.</param>
    /// <param name="LastSeenAt">When it last wrote its record; null if it has not.</param>
    /// <param name="PicturesDone">The results that it has given.</param>
    /// <param name="PicturesPerSecond">Its rate under full load; null if it was never under full load.</param>
    /// <param name="Model">The name of its model.</param>
    /// <param name="ModelSha256">The SHA-256 of its model.</param>
    /// <param name="Arrangement">How it runs its model.</param>
    /// <param name="Loaded">The models of the registry that it has loaded.</param>
    internal sealed record InstanceDocument(
        InstanceId InstanceId,
        InstanceState State,
        DateTimeOffset LaunchedAt,
        DateTimeOffset? RunningAt,
        DateTimeOffset? EndedAt,
        DateTimeOffset? LastSeenAt,
        long? PicturesDone,
        double? PicturesPerSecond,
        string? Model,
        string? ModelSha256,
        RunArrangement? Arrangement,
        IEnumerable<LoadedModelDocument>? Loaded)
    {
        public static InstanceDocument Of(TrackedInstance instance) => new(
            instance.Reported.Id, instance.State, instance.Reported.LaunchedAt, instance.Reported.RunningAt,
            instance.Reported.EndedAt, instance.LastSeenAt,
            instance.Record?.PicturesDone, instance.Record?.PicturesPerSecond,
            instance.Record?.Model?.Name, instance.Record?.Model?.Sha256,
            instance.Record?.Arrangement,
            instance.Record?.Loaded?.Select(model => new LoadedModelDocument(model.Name, model.Sha256)));
    }

    /// <summary>A model of the registry that a node has loaded.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Sha256">Its SHA-256.</param>
    internal sealed record LoadedModelDocument(string Name, string Sha256);

    /// <summary>The models of new batches, under their names in the registry.</summary>
    /// <param name="Active">The model of new batches; null if it is that of the setting.</param>
    /// <param name="Canary">A model that a share of the new batches gets; null if there is none.</param>
    internal sealed record RolloutDocument(ModelReference? Active, CanaryDocument? Canary)
    {
        /// <summary>Null if the rollout names no model.</summary>
        public static RolloutDocument? Of(ModelRollout? rollout) => rollout is { Active: not null } or { Canary: not null }
            ? new RolloutDocument(
                rollout.Active,
                rollout.Canary is { } canary
                    ? new CanaryDocument(canary.Model.Name, canary.Model.Sha256, canary.Share)
                    : null)
            : null;
    }

    /// <summary>A model on trial.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Sha256">Its SHA-256.</param>
    /// <param name="Share">The share of the new batches, from 0 to 1.</param>
    internal sealed record CanaryDocument(string Name, string Sha256, double Share);

    /// <summary>Why a node could not work and ended.</summary>
    /// <param name="At">When the scaler learnt of it.</param>
    /// <param name="InstanceId">The node.</param>
    /// <param name="Reason">The reason, for the operator.</param>
    internal sealed record NodeProblemDocument(DateTimeOffset At, InstanceId InstanceId, string Reason);

    /// <summary>A decision of the scaler, and what it knew.</summary>
    /// <param name="At">When it was first taken.</param>
    /// <param name="Until">When it was last repeated.</param>
    /// <param name="Outcome">The outcome.</param>
    /// <param name="Hold">What prevented a launch; null if nothing did.</param>
    /// <param name="Waiting">Pictures that waited for a node.</param>
    /// <param name="Backlog">These, and those that nodes had in hand.</param>
    /// <param name="Pending">Nodes that were booting.</param>
    /// <param name="Running">Nodes that took work.</param>
    /// <param name="Draining">Nodes that were ending.</param>
    /// <param name="ServiceTimeMs">The service time.</param>
    /// <param name="BootTimeSeconds">The boot time.</param>
    /// <param name="Wanted">How many nodes were wanted.</param>
    /// <param name="Launched">How many were launched.</param>
    /// <param name="Reason">The reason, as sentences for people.</param>
    internal sealed record DecisionDocument(
        DateTimeOffset At,
        DateTimeOffset Until,
        DecisionOutcome Outcome,
        HoldCause? Hold,
        int Waiting,
        int Backlog,
        int Pending,
        int Running,
        int Draining,
        double ServiceTimeMs,
        double BootTimeSeconds,
        int Wanted,
        int Launched,
        string Reason);
}
