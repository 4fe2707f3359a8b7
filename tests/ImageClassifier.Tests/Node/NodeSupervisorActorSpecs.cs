using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node;
using ImageClassifier.Node.Hosting;
using ImageClassifier.Node.Supervision;
using ImageClassifier.Node.Termination;
using ImageClassifier.Node.Tuning;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

public sealed class NodeSupervisorActorSpecs(ITestOutputHelper output) : NodeSpecs(output)
{
    private static readonly InstanceState[] WholeLife =
        [InstanceState.Running, InstanceState.Draining, InstanceState.Ended];

    private static readonly EndInstance Surplus = new("two nodes share the work of one") { FinishesWork = true };

    [Fact]
    public async Task A_node_with_nothing_to_do_ends_its_instance_and_shuts_its_system_down()
    {
        Start();
        await UntilAsync(() => Identity.Reports.Count == 1, "it is running");
        await AdvanceUntilAsync(() => IsShuttingDown, "it shuts down", TimeSpan.FromSeconds(1));

        Assert.Equal(WholeLife, Identity.Reports);
        Assert.Equal(1, Identity.Ends);
        Assert.Equal(3, Requests.Polls.Count(poll => poll.At - Requests.Polls[0].At <= TimeSpan.FromSeconds(14)));
        Assert.IsType<NodeEndedReason>(CoordinatedShutdown.Get(Sys).ShutdownReason);
    }

    [Fact]
    public async Task Empty_polls_count_only_after_the_work_is_done()
    {
        var requests = Enumerable.Range(0, 30).Select(i => Upload($"word-{i}")).ToArray();
        Start();
        await AdvanceUntilAsync(() => IsShuttingDown, "it shuts down", TimeSpan.FromMilliseconds(500));

        Assert.All(requests, request => Assert.NotNull(PublishedResultOf(request)));
        Assert.Equal(30, Requests.Deleted.Count);
    }

    [Fact]
    public async Task A_node_that_cannot_classify_ends_and_hands_everything_back_after_one_receive()
    {
        Classifier.WhileClassifying = _ => throw new InvalidOperationException("The model is broken.");
        var requests = Enumerable.Range(0, 50).Select(i => Upload($"word-{i}")).ToArray();
        Start();
        await AdvanceUntilAsync(() => IsShuttingDown, "it shuts down");

        Assert.Empty(Published);
        Assert.Equal(requests.Length, Requests.Visible.Count);
        Assert.All(Requests.Visible, message => Assert.InRange(message.ReceiveCount, 0, 2));
        Assert.Equal(WholeLife, Identity.Reports);
    }

    [Fact]
    public async Task A_request_of_the_fleet_drains_and_then_ends_the_node()
    {
        var release = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.PutIfAbsent ? release.Task : Task.CompletedTask;
        var request = Upload("cat");
        Start();
        await UntilAsync(() => Store.CallsOf(StoreCall.PutIfAbsent) == 1, "it is at work");

        Identity.RequestDrain();
        await UntilAsync(() => Identity.Reports.Contains(InstanceState.Draining), "it drains");
        await SettleAsync();
        Assert.Equal(0, Identity.Ends);

        release.SetResult();
        await AdvanceUntilAsync(() => IsShuttingDown, "it shuts down");
        Assert.True(IsDeleted(request));
        Assert.Equal(WholeLife, Identity.Reports);
    }

    [Fact]
    public async Task A_stopping_host_waits_for_the_drain_and_marks_the_instance_as_ended()
    {
        var release = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.PutIfAbsent ? release.Task : Task.CompletedTask;
        var request = Upload("cat");
        Start();
        await UntilAsync(() => Store.CallsOf(StoreCall.PutIfAbsent) == 1, "it is at work");

        var stopping = CoordinatedShutdown.Get(Sys).Run(CoordinatedShutdown.ClrExitReason.Instance);
        await UntilAsync(() => Identity.Reports.Contains(InstanceState.Draining), "it drains");
        Assert.False(stopping.IsCompleted);

        release.SetResult();
        await AdvanceUntilAsync(() => Identity.Ends == 1, "the instance is marked as ended");
        await stopping.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System);
        Assert.True(IsDeleted(request));
        Assert.Equal(WholeLife, Identity.Reports);
    }

    [Fact]
    public async Task A_drain_ends_at_its_time_out_and_the_rest_returns_to_the_queue()
    {
        var never = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.PutIfAbsent ? never.Task : Task.CompletedTask;
        Upload("cat");
        Start();
        await UntilAsync(() => Store.CallsOf(StoreCall.PutIfAbsent) == 1, "it is at work");

        Identity.RequestDrain();
        await UntilAsync(() => Identity.Reports.Contains(InstanceState.Draining), "it drains");
        await AdvanceUntilAsync(() => Identity.Ends == 1, "it ended", TimeSpan.FromSeconds(1));
        Assert.Single(Requests.InFlight);
        Assert.Empty(Requests.Deleted);
    }

    [Fact]
    public async Task A_surplus_node_finishes_all_it_has_and_hands_nothing_back()
    {
        var release = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.PutIfAbsent ? release.Task : Task.CompletedTask;
        var requests = Enumerable.Range(0, 20).Select(i => Upload($"word-{i}")).ToArray();
        var supervisor = Start();
        await UntilAsync(() => Requests.InFlight.Count == requests.Length, "all are in hand");

        supervisor.Tell(Surplus);
        await UntilAsync(() => Identity.Reports.Contains(InstanceState.Draining), "it drains");
        await SettleAsync();
        Assert.Empty(Requests.Visible);

        release.SetResult();
        await AdvanceUntilAsync(() => IsShuttingDown, "it shuts down");
        Assert.All(requests, request => Assert.True(IsDeleted(request)));
        Assert.Empty(Isolated.Tried);
        Assert.Equal(WholeLife, Identity.Reports);
    }

    [Fact]
    public async Task A_surplus_node_that_does_not_finish_drains()
    {
        var supervisor = await StartStuckAsync();
        supervisor.Tell(Surplus);
        await AdvanceAsync(Settings.DrainTimeout * 1.5, TimeSpan.FromSeconds(0.5));
        Assert.Equal(0, Identity.Ends);

        await AdvanceAsync(Settings.DrainTimeout, TimeSpan.FromSeconds(0.5));
        await UntilAsync(() => Identity.Ends == 1, "it ended");
    }

    [Fact]
    public async Task A_surplus_node_that_is_asked_to_end_drains_at_once()
    {
        var supervisor = await StartStuckAsync();
        supervisor.Tell(Surplus);
        await UntilAsync(() => Identity.Reports.Contains(InstanceState.Draining), "it finishes its work");

        Identity.RequestDrain();
        await SettleAsync();
        await AdvanceAsync(Settings.DrainTimeout * 1.5, TimeSpan.FromSeconds(0.5));
        await UntilAsync(() => Identity.Ends == 1, "it ended");
    }

    [Fact]
    public async Task A_stopped_poller_restarts_after_a_pause()
    {
        var supervisor = Start();
        await UntilAsync(() => Requests.PollsWaiting == 1, "it polls");
        for (var i = 1; i <= 3; i++)
        {
            var polls = Requests.Polls.Count;
            await StopPollerAsync(supervisor);
            await AdvanceUntilAsync(() => Requests.Polls.Count > polls, "it polls again");
        }

        var request = Upload("cat");
        await AdvanceUntilAsync(() => IsDeleted(request), "it works again");
        Assert.Equal([InstanceState.Running], Identity.Reports);
    }

    [Fact]
    public async Task A_poller_that_keeps_stopping_ends_the_node()
    {
        var supervisor = Start();
        while (Identity.Ends == 0)
        {
            await AdvanceUntilAsync(
                () => Requests.PollsWaiting > 0 || Identity.Ends > 0, "it polls or has ended", TimeSpan.FromSeconds(1));
            await StopPollerAsync(supervisor);
        }

        Assert.Equal(WholeLife, Identity.Reports);
    }

    [Fact]
    public async Task A_failing_fleet_stops_nothing()
    {
        Identity.Before = _ => throw new IOException("The fleet is away.");
        var request = Upload("cat");
        Start();
        await AdvanceUntilAsync(() => IsDeleted(request), "it works");
        await AdvanceUntilAsync(() => IsShuttingDown, "it shuts down", TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task The_record_shows_running_then_draining_and_is_deleted_before_the_end()
    {
        var release = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.PutIfAbsent ? release.Task : Task.CompletedTask;
        NodeRecord? atTheEnd = null;
        Identity.Before = state => atTheEnd = state == InstanceState.Ended ? Record : null;
        Upload("cat");
        Start();
        await UntilAsync(() => Record is { State: InstanceState.Running, PicturesDone: 0 }, "it reported running");

        Identity.RequestDrain();
        await UntilAsync(() => Record is { State: InstanceState.Draining }, "it reported draining");
        release.SetResult();
        await AdvanceUntilAsync(() => Identity.Ends == 1, "it ended");
        Assert.Null(atTheEnd);
        Assert.Null(Record);
    }

    [Fact]
    public async Task A_record_that_cannot_be_deleted_does_not_delay_the_end()
    {
        var never = new TaskCompletionSource();
        Store.Before = (call, _) => call is StoreCall.Put or StoreCall.Delete ? never.Task : Task.CompletedTask;
        var request = Upload("cat");
        Start();
        await AdvanceUntilAsync(() => IsDeleted(request), "it works");

        Identity.RequestDrain();
        await AdvanceUntilAsync(() => Identity.Ends == 1, "it ended");
        Assert.Equal(WholeLife, Identity.Reports);
    }

    [Fact]
    public async Task Several_nodes_in_one_system_end_independently()
    {
        var ended = new ConcurrentBag<string>();
        using var second = new FakeInstanceIdentity("instance-2");
        StartOne("one", Ports);
        StartOne("two", Ports with { Identity = second });
        await UntilAsync(() => Identity.Reports.Count == 1 && second.Reports.Count == 1, "both are running");

        second.RequestDrain();
        await AdvanceUntilAsync(() => second.Ends == 1, "the second ended");
        await UntilAsync(() => !ended.IsEmpty, "its end was reported");
        Assert.Equal(["two"], ended);
        Assert.Equal([InstanceState.Running], Identity.Reports);

        Identity.RequestDrain();
        await AdvanceUntilAsync(() => ended.Count == 2, "the first ended too");
        Assert.False(IsShuttingDown);

        void StartOne(string name, NodePorts ports) => Sys.ActorOf(
            NodeSupervisorActor.Props(Settings, ports, Time, Dispatcher, _ => ended.Add(name)));
    }

    [Fact]
    public async Task A_killed_node_leaves_its_record_and_nothing_that_runs()
    {
        var hasEnded = false;
        var node = Sys.ActorOf(NodeSupervisorActor.Props(Settings, Ports, Time, Dispatcher, _ => hasEnded = true));
        await UntilAsync(() => Requests.PollsWaiting == 1, "it polls");
        await UntilAsync(() => Record is not null, "it has a record");
        Sys.EventStream.Subscribe(TestActor, typeof(DeadLetter));

        Watch(node);
        Sys.Stop(node);
        await ExpectTerminatedAsync(node);
        await UntilAsync(() => Requests.PollsWaiting == 0, "it polls no more");
        await SettleAsync();
        while (HasMessages) ReceiveOne(TimeSpan.Zero);
        var writes = Store.CallsOf(StoreCall.Put);
        Identity.RequestDrain();
        await AdvanceAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(5));

        Assert.False(HasMessages);
        Assert.Equal(writes, Store.CallsOf(StoreCall.Put));
        Assert.Equal(InstanceState.Running, Record!.State);
        Assert.Equal([InstanceState.Running], Identity.Reports);
        Assert.False(hasEnded);
        Assert.False(IsShuttingDown);
    }

    private NodeRecord? Record => Store.DocumentAt<NodeRecord>(ObjectKeys.Node(Identity.Id));

    private bool IsShuttingDown => CoordinatedShutdown.Get(Sys).ShutdownReason is not null;

    [Fact]
    public async Task The_arrangements_are_measured_when_the_work_is_done()
    {
        var request = Upload("cat");
        var isDone = new List<bool>();
        var ports = Ports with
        {
            MeasureArrangements = _ =>
            {
                isDone.Add(IsDeleted(request));
                return Task.FromResult<ArrangementReport?>(null);
            },
        };
        NodeHostingExtensions.StartNode(Sys, Settings, ports, Dispatcher);
        await AdvanceUntilAsync(() => IsShuttingDown, "it shuts down", TimeSpan.FromMilliseconds(500));

        Assert.Equal([true], isDone);
    }

    private IActorRef Start() => NodeHostingExtensions.StartNode(Sys, Settings, Ports, Dispatcher);

    /// <summary>Starts a node that never finishes its picture.</summary>
    private async Task<IActorRef> StartStuckAsync()
    {
        var never = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.PutIfAbsent ? never.Task : Task.CompletedTask;
        Upload("cat");
        var supervisor = Start();
        await UntilAsync(() => Store.CallsOf(StoreCall.PutIfAbsent) == 1, "it is at work");
        return supervisor;
    }

    private async Task StopPollerAsync(IActorRef supervisor)
    {
        // The poller has no fixed name. It is the child without a known name.
        Sys.ActorSelection(supervisor, "$*").Tell(PoisonPill.Instance);
        await SettleAsync();
    }
}
