using System.Diagnostics;
using System.Globalization;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>No result is lost and none comes twice, in every environment and under every fault. A run ends with exactly
/// one result for each accepted picture, in the store and at a client that stayed connected.
/// <c>IMAGE_CLASSIFIER_FAULTS=long</c> selects the long form, and <c>IMAGE_CLASSIFIER_FAULTS_SEED</c> repeats a failed
/// run.</summary>
public abstract class FaultSpecs(ITestOutputHelper output)
{
    // More than any lease or limit here. So anything that used a wrong clock would not end in time.
    private static readonly TimeSpan ClockError = TimeSpan.FromMinutes(30);

    [SkippableFact]
    public Task Nothing_is_lost_when_app_nodes_are_killed_at_random() => RunAsync(async run =>
    {
        // One share more than there are kills, so that nodes never run out of work.
        var share = run.Form.Pictures / (run.Form.NodeKills + 1);
        await run.UploadAsync(share, FaultRun.LargeBatch);
        for (var kill = 1; kill <= run.Form.NodeKills; kill++)
        {
            await run.UploadAsync(share, FaultRun.LargeBatch);
            await run.ResultsAsync(run.Random.Next(1, share / 4));
            await run.KillNodeAsync();
        }

        await run.UploadRestAsync();
    });

    [SkippableFact]
    public Task Nothing_is_lost_when_the_queues_are_away() => RunAsync(async run =>
    {
        await run.UploadAsync(run.Form.Pictures * 3 / 4, FaultRun.LargeBatch);
        await run.ResultsAsync(run.Random.Next(1, run.Form.Pictures / 8));
        var nodes = await run.FreezeNodesAsync();
        Task uploading;
        using (run.Environment.StopQueues())
        {
            run.Strike("queues stopped");
            nodes.Dispose();
            var away = Stopwatch.StartNew();
            uploading = run.UploadAsync(run.Form.Pictures / 8, FaultRun.SmallBatch);
            if (run.Environment.AcceptsWithoutQueue) await uploading;
            await run.UntilAsync(() => away.Elapsed >= run.Form.Outage, "the outage is over");
            run.Strike("queues come back");
        }

        await uploading;
        await run.UploadRestAsync();
    });

    [SkippableFact]
    public Task Nothing_is_lost_when_clocks_of_app_nodes_are_wrong() => RunAsync(async run =>
    {
        var ahead = await StartWrongAsync(run, "ahead", ClockError);
        var behind = await StartWrongAsync(run, "behind", -ClockError);

        await run.UploadAsync(run.Form.Pictures / 2, FaultRun.LargeBatch);
        await run.UntilAsync(
            () => run.Client.Instances.IsSupersetOf(["ahead", "behind"]), "both nodes with wrong clocks bring results");
        // However fast the nodes are, the killed one has work, and nobody else does it meanwhile.
        Task uploading;
        using (run.Freeze(behind))
        {
            uploading = run.UploadAsync(run.Form.Pictures / 4, FaultRun.LargeBatch);
            await run.ResultsAsync(1);
            // Its messages must return by the queue's clock.
            await run.KillNodeAsync(ahead.ProcessId);
        }

        await uploading;
        await run.UploadRestAsync();
    }, ["node.termination.max-empty-polls=100"]);

    private protected abstract Task<FaultEnvironment> OpenAsync();

    private protected async Task RunAsync(
        Func<FaultRun, Task> faults, string[]? settings = null, Func<int, IEnumerable<TestPicture>>? pictures = null)
    {
        await using var environment = await OpenAsync();
        await RunAsync(environment, faults, settings, pictures);
    }

    private protected async Task RunAsync(
        FaultEnvironment environment,
        Func<FaultRun, Task> faults,
        string[]? settings = null,
        Func<int, IEnumerable<TestPicture>>? pictures = null)
    {
        await using var run = await FaultRun.StartAsync(environment, settings ?? [], pictures ?? TestPictures.Mixed);
        try
        {
            await faults(run);
            await run.AssertNothingIsLostAsync();
            output.WriteLine(run.Describe());
        }
        catch (Exception failure) when (failure is not SkipException)
        {
            throw new Xunit.Sdk.XunitException($"{failure}\n\n{run.Describe()}\n{run.DescribeLogs()}");
        }
    }

    private static async Task<RunningNode> StartWrongAsync(FaultRun run, string name, TimeSpan error)
    {
        var node = await run.StartNodeAsync(name, new Dictionary<string, string>
        {
            [WrongClock.Variable] = error.ToString("c", CultureInfo.InvariantCulture),
        });
        DateTimeOffset shown = default;
        await run.UntilAsync(
            () => DateTimeOffset.TryParse(
                node.Output.Split(" shows ")[^1].Split('\n')[0], CultureInfo.InvariantCulture, out shown),
            $"the node {name} has printed the time of its clock");
        Assert.InRange(shown - TimeProvider.System.GetUtcNow(), error - run.Form.Limit, error);
        return node;
    }
}
