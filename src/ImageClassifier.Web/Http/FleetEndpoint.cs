using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Supervision;
using Microsoft.AspNetCore.Http;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Http;

/// <summary><c>GET /api/fleet</c>: the instances, what waits, and the last scaling decisions with their reasons.</summary>
internal static class FleetEndpoint
{
    public static async Task<IResult> GetAsync(
        IRequiredActor<WebSupervisorActor> tier, CancellationToken cancellation)
    {
        var fleet = await tier.ActorRef.Ask<FleetView>(GetFleet.Instance, EdgeTimeouts.Answer, cancellation);
        return TypedResults.Ok(FleetDocument.Of(fleet));
    }

    private sealed record FleetDocument(
        int MaxInstances,
        int Waiting,
        int InFlight,
        int Backlog,
        IEnumerable<InstanceDocument> Instances,
        IEnumerable<DecisionDocument> Decisions)
    {
        public static FleetDocument Of(FleetView fleet) => new(
            fleet.MaxInstances, fleet.Waiting, fleet.InFlight, fleet.Waiting + fleet.InFlight,
            fleet.Instances.OrderBy(instance => instance.LaunchedAt).Select(instance => new InstanceDocument(
                instance.Id, instance.State, instance.LaunchedAt, instance.RunningAt, instance.EndedAt)),
            fleet.Decisions.Select(decision => new DecisionDocument(
                decision.At, decision.Until, decision.Outcome, decision.Hold, decision.Seen.Waiting, decision.Seen.Backlog,
                decision.Seen.Fleet.Pending, decision.Seen.Fleet.Running, decision.Seen.Fleet.Draining,
                decision.Wanted, decision.Launched, decision.Reason)));
    }

    private sealed record InstanceDocument(
        InstanceId InstanceId,
        InstanceState State,
        DateTimeOffset LaunchedAt,
        DateTimeOffset? RunningAt,
        DateTimeOffset? EndedAt);

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
        int Wanted,
        int Launched,
        string Reason);
}
