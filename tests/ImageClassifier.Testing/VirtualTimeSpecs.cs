using System.Diagnostics;
using Akka.Configuration;
using Akka.Streams;
using Akka.TestKit;
using ImageClassifier.Streams;
using Xunit.Abstractions;
using XunitTestKit = Akka.TestKit.Xunit2.TestKit;

namespace ImageClassifier.Testing;

/// <summary>
/// A test of actors and streams in virtual time: the system's scheduler moves only when the test moves it, and
/// <see cref="Time"/> is that time for what is no actor. Streams and tasks still run on real threads, so a test awaits
/// conditions; it never assumes that something has happened already.
/// </summary>
public abstract class VirtualTimeSpecs : XunitTestKit
{
    /// <summary>What takes longer hangs, on however busy a machine.</summary>
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

    /// <summary>The system's virtual time for what is no actor.</summary>
    protected TimeProvider Time { get; }

    protected ActorMaterializer Materializer { get; }

    private TestScheduler Scheduler => (TestScheduler)Sys.Scheduler;

    /// <summary>Moves time on, step by step, and lets messages settle before each. A repeating timer fires once a step,
    /// so no step should be longer than the smallest period that matters.</summary>
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

    /// <summary>Moves time on until something holds.</summary>
    protected async Task AdvanceUntilAsync(Func<bool> condition, string because, TimeSpan? step = null)
    {
        var started = Stopwatch.StartNew();
        while (!condition())
        {
            if (started.Elapsed > RealLimit) throw new TimeoutException($"It never came about that {because}.");
            await AdvanceAsync(step ?? TimeSpan.FromMilliseconds(50), step);
        }
    }

    /// <summary>Waits, without moving the virtual time, until something holds.</summary>
    protected static async Task UntilAsync(Func<bool> condition, string because)
    {
        var started = Stopwatch.StartNew();
        while (!condition())
        {
            if (started.Elapsed > RealLimit) throw new TimeoutException($"It never came about that {because}.");
            await Task.Delay(RealPause, TimeProvider.System);
        }
    }

    /// <summary>Lets what is under way go through: what was queued on the shared threads before this call, and what
    /// that queued in turn, some times over.</summary>
    protected static async Task SettleAsync()
    {
        for (var round = 0; round < 3; round++)
        {
            // On a busy machine a thread that holds some of it may just not have its turn.
            await Task.Delay(RealPause, TimeProvider.System);
            for (var turn = 0; turn < 5; turn++) await Task.Run(() => { });
        }
    }
}
