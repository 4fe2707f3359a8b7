using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core;
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
        return TypedResults.Ok(FleetDocument.Of(fleet, await showing, known, uploads));
    }

    private sealed record FleetDocument(
        int MaxInstances,
        int Waiting,
        int InFlight,
        int Backlog,
        double ServiceTimeMs,
        double BootTimeSeconds,
        IEnumerable<InstanceDocument> Instances,
        IEnumerable<ModelDocument> Models,
        RolloutDocument? Rollout,
        IEnumerable<ProblemDocument> Problems,
        string Formats,
        IEnumerable<DecisionDocument> Decisions)
    {
        public static FleetDocument Of(
            FleetStatus fleet, RegistryState? registry, KnownModels known, UploadSettings uploads) => new(
            fleet.MaxInstances, fleet.Waiting, fleet.InFlight, fleet.Waiting + fleet.InFlight,
            fleet.ServiceTime.TotalMilliseconds, fleet.BootTime.TotalSeconds,
            fleet.Instances.OrderBy(instance => instance.Reported.LaunchedAt).Select(InstanceDocument.Of),
            new FleetModels(fleet, registry, known).Documents,
            RolloutDocument.Of(registry?.Rollout),
            fleet.Problems.Select(problem => new ProblemDocument(problem.At, problem.Instance, problem.Reason)),
            uploads.Formats.Names,
            fleet.Decisions.Select(decision => new DecisionDocument(
                decision.At, decision.Until, decision.Outcome, decision.Hold,
                decision.Snapshot.Waiting, decision.Snapshot.Backlog,
                decision.Snapshot.Fleet.Pending, decision.Snapshot.Fleet.Running, decision.Snapshot.Fleet.Draining,
                decision.Snapshot.ServiceTime.TotalMilliseconds, decision.Snapshot.BootTime.TotalSeconds,
                decision.Wanted, decision.Launched, decision.Reason)));
    }

    private sealed record InstanceDocument(
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
        IEnumerable<LoadedDocument>? Loaded)
    {
        public static InstanceDocument Of(TrackedInstance instance) => new(
            instance.Reported.Id, instance.State, instance.Reported.LaunchedAt, instance.Reported.RunningAt,
            instance.Reported.EndedAt, instance.LastSeenAt,
            instance.Record?.PicturesDone, instance.Record?.PicturesPerSecond,
            instance.Record?.Model?.Name, instance.Record?.Model?.Sha256,
            instance.Record?.Arrangement,
            instance.Record?.Loaded?.Select(model => new LoadedDocument(model.Name, model.Sha256)));
    }

    /// <summary>A model of the registry that a node has loaded.</summary>
    private sealed record LoadedDocument(string Name, string Sha256);

    /// <summary>The models of new batches, under their names in the registry.</summary>
    private sealed record RolloutDocument(ModelReference? Active, CanaryDocument? Canary)
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

    private sealed record CanaryDocument(string Name, string Sha256, double Share);

    private sealed record ProblemDocument(DateTimeOffset At, InstanceId InstanceId, string Reason);

    private sealed record DecisionDocument(
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
