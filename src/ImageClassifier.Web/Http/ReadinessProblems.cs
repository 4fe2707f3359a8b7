using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Web.Refusals;
using ImageClassifier.Web.Supervision;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Http;

/// <summary>What is wrong with a service that takes uploads all the same. Everyone may read it, so it names no files,
/// keys and accounts.</summary>
internal sealed class ReadinessProblems(IRequiredActor<WebSupervisorActor> tier, PortRefusals refusals)
{
    public const string NodesFail =
        "App nodes cannot work, and none is running: pictures are accepted and wait. /api/fleet and the log say why.";

    public const string CallsRefused =
        "Some calls to the store or to a queue are refused: a permission is missing. The log says which.";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>The problems as sentences; none where all is well or no one knows.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation)
    {
        var problems = new List<string>();
        if (await AreNodesFailingAsync(cancellation)) problems.Add(NodesFail);
        if (refusals.Any) problems.Add(CallsRefused);
        return problems;
    }

    private async Task<bool> AreNodesFailingAsync(CancellationToken cancellation)
    {
        try
        {
            return (await tier.ActorRef.Ask<FleetStatus>(GetFleet.Instance, Patience, cancellation)).AreNodesFailing;
        }
        catch (AskTimeoutException)
        {
            return false;
        }
    }
}
