using Akka.Actor;
using Akka.TestKit.Xunit2;
using ImageClassifier.Core.Messages;
using ImageClassifier.Node.Tuning;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node.Tuning;

public sealed class IdleTuningActorSpecs(ITestOutputHelper output) : TestKit("akka.loglevel = INFO", output)
{
    private static readonly ArrangementReport Report = new(
        [new RunArrangement(2, 1, 1) { PicturesPerSecond = 200 }], TimeSpan.FromSeconds(1));

    private int _beginnings;

    private sealed record Began(TaskCompletionSource<ArrangementReport?> Result, CancellationToken Cancellation);

    [Fact]
    public async Task It_measures_once_when_the_node_is_idle()
    {
        var tuning = Start();
        tuning.Tell(NodeBusy.Instance);
        await ExpectBeginningsAsync(0, tuning);

        tuning.Tell(NodeIdle.Instance);
        tuning.Tell(NodeIdle.Instance);
        var began = await ExpectMsgAsync<Began>();
        await EventFilter.Info(contains: "2 x 1 x 1: 200/s is best").ExpectOneAsync(() =>
        {
            began.Result.SetResult(Report);
            return Task.CompletedTask;
        });

        tuning.Tell(NodeIdle.Instance);
        await ExpectBeginningsAsync(1, tuning);
    }

    [Fact]
    public async Task A_picture_interrupts_it_and_the_next_idle_moment_repeats_it()
    {
        var tuning = Start();
        tuning.Tell(NodeIdle.Instance);
        var first = await ExpectMsgAsync<Began>();
        tuning.Tell(NodeBusy.Instance);
        await AwaitConditionAsync(() => Task.FromResult(first.Cancellation.IsCancellationRequested));
        first.Result.SetCanceled(first.Cancellation);

        await AwaitAssertAsync(async () =>
        {
            tuning.Tell(NodeIdle.Instance);
            var second = await ExpectMsgAsync<Began>(TimeSpan.FromMilliseconds(100));
            Assert.False(second.Cancellation.IsCancellationRequested);
        });
    }

    [Fact]
    public async Task A_failure_is_logged_and_not_repeated()
    {
        var tuning = Start();
        tuning.Tell(NodeIdle.Instance);
        var began = await ExpectMsgAsync<Began>();
        await EventFilter.Warning(contains: "no memory").ExpectOneAsync(() =>
        {
            began.Result.SetException(new InvalidOperationException("no memory"));
            return Task.CompletedTask;
        });

        tuning.Tell(NodeIdle.Instance);
        await ExpectBeginningsAsync(1, tuning);
    }

    [Fact]
    public async Task The_end_of_the_node_interrupts_it()
    {
        var tuning = Start();
        tuning.Tell(NodeIdle.Instance);
        var began = await ExpectMsgAsync<Began>();
        Sys.Stop(tuning);
        await AwaitConditionAsync(() => Task.FromResult(began.Cancellation.IsCancellationRequested));
    }

    private IActorRef Start()
    {
        var probe = TestActor;
        return Sys.ActorOf(IdleTuningActor.Props(cancellation =>
        {
            Interlocked.Increment(ref _beginnings);
            var result = new TaskCompletionSource<ArrangementReport?>();
            probe.Tell(new Began(result, cancellation));
            return result.Task;
        }));
    }

    /// <summary>Expects that the actor has begun so many measurements when it has processed its messages.</summary>
    private async Task ExpectBeginningsAsync(int beginnings, IActorRef tuning)
    {
        await tuning.Ask<ActorIdentity>(new Identify(null));
        Assert.Equal(beginnings, Volatile.Read(ref _beginnings));
    }
}
