using System.Diagnostics;
using Akka.Configuration;
using Akka.Streams;
using Akka.TestKit;
using ImageClassifier.Streams;
using Xunit.Abstractions;
using XunitTestKit = Akka.TestKit.Xunit2.TestKit;

namespace ImageClassifier.Testing;

/// <summary>A test of actors and streams in virtual time. The system's scheduler moves only when the test moves it, and
/// <see cref="Time"/> gives that time to other code. Streams and tasks run on real threads. So a test waits for
/// conditions, and never assumes that something is done.</summary>
public abstract class VirtualTimeSpecs : XunitTestKit
{
    /// <summary>Anything that takes longer hangs, even on a busy machine.</summary>
    protected static readonly TimeSpan RealLimit = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan RealPause = TimeSpan.FromMilliseconds(1);

    private static readonly Config Virtual = ConfigurationFactory.ParseString(
        $"""
        akka.loglevel = WARNING
        akka.scheduler.implementation = "ImageClassifier.Testing.VirtualScheduler, ImageClassifier.Testing"
        akka.test.single-expect-default = {RealLimit.TotalSeconds}s
        akka.test.filter-leeway = {RealLimit.TotalSeconds}s
        """);

    protected VirtualTimeSpecs(ITestOutputHelper? output = null, Config? config = null)
        : base(config is null ? Virtual : config.WithFallback(Virtual), output: output)
    {
        Time = new SchedulerTimeProvider(Sys);
        Materializer = Sys.Materializer();
    }

    /// <summary>The virtual time for code that is not an actor.</summary>
    protected TimeProvider Time { get; }

    protected ActorMaterializer Materializer { get; }

    private TestScheduler Scheduler => (TestScheduler)Sys.Scheduler;

    /// <summary>Advances time step by step, and lets messages settle before each step. A repeating timer fires once a
    /// step, so a step should be no longer than the smallest relevant period.</summary>
    protected async Task AdvanceAsync(TimeSpan by, TimeSpan? step = null)
    {
        var stride = step ?? TimeSpan.FromMilliseconds(50);
        for (var left = by; left > TimeSpan.Zero; left -= stride)
        {
            await SettleAsync();
            Scheduler.Advance(left < stride ? left : stride);
        }

        await SettleAsync();
    }

    /// <summary>Advances time until a condition holds.</summary>
    protected async Task AdvanceUntilAsync(Func<bool> condition, string because, TimeSpan? step = null)
    {
        var started = Stopwatch.StartNew();
        while (!condition())
        {
            if (started.Elapsed > RealLimit) throw new TimeoutException($"Timed out waiting for this: {because}.");
            await AdvanceAsync(step ?? TimeSpan.FromMilliseconds(50), step);
        }
    }

    /// <summary>Waits until a condition holds, without advancing the virtual time.</summary>
    protected static async Task UntilAsync(Func<bool> condition, string because)
    {
        var started = Stopwatch.StartNew();
        while (!condition())
        {
            if (started.Elapsed > RealLimit) throw new TimeoutException($"Timed out waiting for this: {because}.");
            await Task.Delay(RealPause, TimeProvider.System);
        }
    }

    /// <summary>Lets queued work run: the work that is queued on the shared threads now, and several times the work
    /// that it queues in turn.</summary>
    protected static async Task SettleAsync()
    {
        for (var round = 0; round < 3; round++)
        {
            // On a busy machine, the thread of some work may not run for a while.
            await Task.Delay(RealPause, TimeProvider.System);
            for (var turn = 0; turn < 5; turn++) await Task.Run(() => { });
        }
    }
}
