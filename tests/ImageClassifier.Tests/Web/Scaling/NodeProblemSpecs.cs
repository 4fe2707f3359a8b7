using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Scaling;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Tests.Web.Scaling;

/// <summary>How the scaler treats nodes that cannot work.</summary>
public sealed class NodeProblemSpecs : WebSpecs
{
    private const string Reason = "S3 GetObject failed: AccessDenied.";
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly FakeInstanceFleet _fleet;

    public NodeProblemSpecs(ITestOutputHelper output)
        : base(output) => _fleet = new FakeInstanceFleet(Time);

    [Fact]
    public async Task A_nodes_problem_is_shown_and_delays_the_next_launch()
    {
        var scaler = await StartWithWorkAsync();
        var instance = await NextAsync();
        EndWithProblem(instance);
        await PassAsync(6 * Second);

        var view = await ViewAsync(scaler);
        var problem = view.Problems.Single(known => known.Instance == instance);
        Assert.Equal(Reason, problem.Reason);
        Assert.True(view.AreNodesFailing);
        Assert.Contains(view.Decisions, decision =>
            decision.Hold == HoldCause.FailedLaunch
            && decision.Reason.Contains("cannot work (S3 GetObject failed: AccessDenied);", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Launches_back_off_while_nodes_cannot_work_and_a_result_ends_the_back_off()
    {
        var scaler = await StartWithWorkAsync();
        for (var i = 0; i < 12; i++) EndWithProblem(await NextAsync());
        var launches = _fleet.Launches.Count;
        await PassAsync(25 * Second);
        Assert.Equal(launches, _fleet.Launches.Count);

        var instance = await NextAsync();
        _fleet.Move(instance, InstanceState.Running);
        scaler.Tell(new JobsDone(instance, 1));
        await PassAsync(2 * Second);
        var view = await ViewAsync(scaler);
        Assert.Empty(view.Problems);
        Assert.False(view.AreNodesFailing);
    }

    [Fact]
    public async Task A_result_of_an_older_node_does_not_clear_a_problem()
    {
        var scaler = await StartWithWorkAsync(pictures: 2);
        await UntilLivingAsync(2);
        var (good, bad) = (_fleet.Living[0].Id, _fleet.Living[1].Id);
        _fleet.Move(good, InstanceState.Running);
        EndWithProblem(bad);
        await PassAsync(6 * Second);
        scaler.Tell(new JobsDone(good, 1));
        await PassAsync(Second);

        Assert.Equal(bad, Assert.Single((await ViewAsync(scaler)).Problems).Instance);
    }

    [Fact]
    public async Task Only_the_latest_problems_are_kept_and_they_expire()
    {
        var scaler = await StartWithWorkAsync(pictures: 15);
        await UntilLivingAsync(15);
        foreach (var instance in _fleet.Living) EndWithProblem(instance.Id);
        await PassAsync(6 * Second);
        Assert.Equal(10, (await ViewAsync(scaler)).Problems.Count);

        Requests.CallFailure = call => call == QueueCall.Receive ? new QueueUnavailableException("") : null;
        _fleet.Capacity = 0;
        await AdvanceAsync(TimeSpan.FromMinutes(61), TimeSpan.FromSeconds(10));
        Assert.Empty((await ViewAsync(scaler)).Problems);
    }

    private async Task<IActorRef> StartWithWorkAsync(int pictures = 1)
    {
        for (var i = 0; i < pictures; i++) Requests.Put("picture");
        var settings = Scaling.Settings with { MaxInstances = 19 };
        var scaler = Sys.ActorOf(Props.Create(() => new ScalerActor(
            Requests, Store, _fleet, settings.CreatePolicy(), settings)));
        await PassAsync(Second);
        return scaler;
    }

    /// <summary>Waits for the next launch.</summary>
    private async Task<InstanceId> NextAsync()
    {
        await UntilLivingAsync(1);
        return _fleet.Living[0].Id;
    }

    private Task UntilLivingAsync(int instances) =>
        AdvanceUntilAsync(() => _fleet.Living.Count == instances, "instances were launched", Second);

    /// <summary>Ends an instance as its node does: the last record gives the reason.</summary>
    private void EndWithProblem(InstanceId instance)
    {
        _fleet.Move(instance, InstanceState.Running);
        Store.Set(ObjectKeys.Node(instance), WireJson.Write(
            new NodeRecord(instance, InstanceState.Ended, 0, null, null) { Problem = Reason }));
        _fleet.Move(instance, InstanceState.Ended);
    }

    private Task<FleetStatus> ViewAsync(IActorRef scaler) => AskAsync<FleetStatus>(scaler, GetFleet.Instance);

    private Task PassAsync(TimeSpan time) => AdvanceAsync(time, Second / 2);
}
