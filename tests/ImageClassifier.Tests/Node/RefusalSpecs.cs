using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Hosting;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

/// <summary>A node whose store or queues refuse its calls for good. It ends soon, reports why, and uses up few
/// receives.</summary>
public sealed class RefusalSpecs(ITestOutputHelper output) : NodeSpecs(output)
{
    private const string Reason = "AccessDenied: the node may not.";

    // Ten seconds of tries, and the drain of the messages in hand.
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);

    private string? _problem;

    [Fact]
    public async Task A_node_that_may_not_read_the_store_ends_before_it_receives_anything()
    {
        Store.Before = (call, _) => call == StoreCall.Get ? Refuse() : Task.CompletedTask;
        Upload("cat");
        await RunToTheEndAsync();

        Assert.Empty(Requests.Polls);
        Assert.Equal(0, Assert.Single(Requests.Visible).ReceiveCount);
    }

    [Fact]
    public async Task A_node_that_may_not_read_pictures_ends_and_hands_everything_back_after_one_receive()
    {
        Store.Before = (call, key) => IsReadOfPicture(call, key) ? Refuse() : Task.CompletedTask;
        for (var i = 0; i < 50; i++) Upload($"word-{i}");
        await RunToTheEndAsync();

        Assert.Equal(50, Requests.Visible.Count);
        Assert.All(Requests.Visible, message => Assert.InRange(message.ReceiveCount, 0, 1));
        Assert.Empty(Published);
    }

    [Fact]
    public async Task A_node_that_may_not_write_results_ends_and_hands_everything_back_after_one_receive()
    {
        Store.Before = (call, _) => call == StoreCall.PutIfAbsent ? Refuse() : Task.CompletedTask;
        for (var i = 0; i < 50; i++) Upload($"word-{i}");
        await RunToTheEndAsync();

        Assert.Equal(50, Requests.Visible.Count);
        Assert.All(Requests.Visible, message => Assert.InRange(message.ReceiveCount, 0, 1));
    }

    [Theory]
    [InlineData(QueueCall.Receive)]
    [InlineData(QueueCall.Delete)]
    [InlineData(QueueCall.Measure)]
    public async Task A_node_whose_requests_are_refused_ends(QueueCall refused)
    {
        Requests.CallFailure = call => call == refused ? new QueueRefusedException(Reason) : null;
        Upload("cat");
        await RunToTheEndAsync();
    }

    [Fact]
    public async Task A_node_that_may_not_send_results_ends()
    {
        Responses.CallFailure = call => call == QueueCall.Send ? new QueueRefusedException(Reason) : null;
        var request = Upload("cat");
        await RunToTheEndAsync();

        Assert.NotNull(StoredResultOf(request));
        Assert.Equal(1, Assert.Single(Requests.Visible).ReceiveCount);
    }

    [Fact]
    public async Task A_node_that_may_not_renew_its_leases_ends()
    {
        var never = new TaskCompletionSource();
        Store.Before = (call, _) => call == StoreCall.PutIfAbsent ? never.Task : Task.CompletedTask;
        Requests.CallFailure = call => call == QueueCall.Extend ? new QueueRefusedException(Reason) : null;
        Upload("cat");
        await RunToTheEndAsync(within: TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task A_refusal_of_a_few_seconds_ends_nothing_and_uses_up_no_receive()
    {
        var refusals = 3;
        Store.Before = (call, key) =>
            IsReadOfPicture(call, key) && Interlocked.Decrement(ref refusals) >= 0 ? Refuse() : Task.CompletedTask;
        Requests.FailNext(QueueCall.Receive, times: 3, new QueueRefusedException(Reason));
        var request = Upload("cat");
        Start();
        await AdvanceUntilAsync(() => IsDeleted(request), "it works", Step);

        Assert.Equal(1, Assert.Single(Requests.Deleted).ReceiveCount);
        Assert.Equal([InstanceState.Running], Identity.Reports);
    }

    private static bool IsReadOfPicture(StoreCall call, string key) =>
        call == StoreCall.Get && key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal);

    private static Task Refuse() => Task.FromException(new StoreRefusedException(Reason));

    private void Start() => NodeHostingExtensions.StartNode(
        Sys, Settings, Ports, Dispatcher, onEnded: problem => Volatile.Write(ref _problem, problem));

    private async Task RunToTheEndAsync(TimeSpan? within = null)
    {
        var started = Time.GetUtcNow();
        Start();
        await AdvanceUntilAsync(
            () => CoordinatedShutdown.Get(Sys).ShutdownReason is not null, "it has ended", Step);

        Assert.InRange(Time.GetUtcNow() - started, TimeSpan.FromSeconds(2), within ?? Soon);
        var record = Store.DocumentAt<NodeRecord>(ObjectKeys.Node(Identity.Id));
        Assert.Equal((InstanceState.Ended, Reason), (record!.State, record.Problem));
        Assert.Equal(Reason, Volatile.Read(ref _problem));
        Assert.Equal(1, Identity.Ends);
        Assert.Empty(Requests.DeadLetters);
    }
}
