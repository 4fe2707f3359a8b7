using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Web.Refusals;
using ImageClassifier.Web.Scaling;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Http;

/// <summary>Problems of a service that still accepts uploads. Everyone can read them, so they contain no files, keys or
/// accounts.</summary>
internal sealed class ReadinessProblems(IRequiredActor<ScalerActor> scaler, PortRefusals refusals)
{
    public const string NodesFail =
        "App nodes cannot work, and none is running: accepted pictures wait. /api/fleet and the log give the reason.";

    public const string CallsRefused =
        "Some calls to the store or to a queue are refused: a permission is missing. The log names it.";

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(1);

    /// <summary>The problems as sentences; empty if there are none, or if the scaler does not answer.</summary>
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
            var fleet = await scaler.ActorRef.Ask<FleetStatus>(GetFleet.Instance, AnswerTimeout, cancellation);
            return fleet.AreNodesFailing;
        }
        catch (AskTimeoutException)
        {
            return false;
        }
    }
}
