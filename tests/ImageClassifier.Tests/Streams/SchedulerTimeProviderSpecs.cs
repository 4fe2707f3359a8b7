using Akka.Actor;
using ImageClassifier.Streams;
using Xunit;

namespace ImageClassifier.Tests.Streams;

/// <summary>Timers on a real scheduler, in real time.</summary>
public sealed class SchedulerTimeProviderSpecs : IAsyncLifetime
{
    // A longer wait means that the timer hangs, even on a busy machine.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(10);

    private readonly ActorSystem _system = ActorSystem.Create("timers");

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _system.Terminate();

    [Fact]
    public async Task A_blocking_callback_delays_no_other_timer()
    {
        var time = new SchedulerTimeProvider(_system);
        using var release = new ManualResetEventSlim();
        var blocked = new TaskCompletionSource();
        await using var blocking = time.CreateTimer(
            _ =>
            {
                blocked.SetResult();
                release.Wait(Limit);
            },
            null, Soon, Timeout.InfiniteTimeSpan);
        await blocked.Task.WaitAsync(Limit);
        try
        {
            var other = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var timer = time.CreateTimer(_ => other.TrySetResult(), null, Soon, Soon);
            // Shorter than the time for which the first callback blocks.
            await other.Task.WaitAsync(Limit / 2);
        }
        finally
        {
            release.Set();
        }
    }

    [Fact]
    public async Task A_callback_runs_in_the_context_of_its_timers_creator()
    {
        var time = new SchedulerTimeProvider(_system);
        var local = new AsyncLocal<string> { Value = "mine" };
        var seen = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var timer = time.CreateTimer(
            _ => seen.TrySetResult(local.Value), null, Soon, Timeout.InfiniteTimeSpan);

        Assert.Equal("mine", await seen.Task.WaitAsync(Limit));
    }
}
