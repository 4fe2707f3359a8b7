using System.Diagnostics;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Microsoft.Data.Sqlite;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>Three web nodes behind nginx without stickiness, under faults. Every accepted picture has one result, and
/// every client has every job once. One scaler works, and the fleet stays below its cap.</summary>
public abstract class WebNodeSpecs(ITestOutputHelper output)
{
    private protected const int Nodes = 3;
    private protected const int MaxInstances = 2;
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(100);

    private static bool IsLong => FaultForm.Current.Pictures > 1000;

    [SkippableFact]
    public async Task Nothing_is_lost_when_web_nodes_are_killed_and_paused()
    {
        var (kills, pause) = IsLong ? (8, TimeSpan.FromSeconds(30)) : ShortForm;
        var form = FaultForm.Current;
        // In the short form, a third of the pictures of the other faults are enough.
        var pictures = IsLong ? form.Pictures : form.Pictures / 3;
        var random = new Random(FaultForm.Seed);
        await using var environment = await OpenAsync();
        await using var tier = await WebNodeGroup.StartAsync(
            environment.DataFolder, Nodes,
            [.. environment.Settings, "queues.requests.lease=5s", $"scaling.max-instances={MaxInstances}"]);
        using var limit = new CancellationTokenSource(form.Limit, TimeProvider.System);
        using var client = new TierClient(tier.Address, limit.Token);
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        var watched = WatchAsync(environment, tier, watching.Token);
        client.AlsoWatch(watched);
        try
        {
            // Some pictures arrive while web nodes are killed, the rest while one node is paused.
            var batches = TestPictures.Mixed(pictures).Chunk(pictures / 20).ToArray();
            var shares = batches.Chunk(batches.Length / (kills + 1)).ToArray();
            for (var kill = 0; kill < kills; kill++)
            {
                var uploading = client.UploadAllAsync(shares[kill]);
                var node = random.Next(Nodes);
                await client.ResultsAsync(1);
                await tier.KillAsync(node);
                output.WriteLine($"Web node {node} was killed with {client.Seen} results there");
                await tier.StartNodeAsync(node);
                await uploading;
                await tier.ReadyAsync(node);
            }

            var last = client.UploadAllAsync(shares.Skip(kills).SelectMany(share => share));
            if (pause > TimeSpan.Zero) await PauseAsync(tier, random.Next(Nodes), pause);
            await last;
            await client.FollowedAsync();
            await client.AssertNothingIsLostAsync(pictures);
            await client.EmptyAsync();
        }
        catch (Exception failure) when (failure is not SkipException)
        {
            throw new Xunit.Sdk.XunitException($"{failure}\n\n{tier.Log}");
        }

        await watching.CancelAsync();
        output.WriteLine(await watched);
        for (var node = 0; node < Nodes; node++) Assert.Equal(0, await tier.StopAsync(node));
        await Until.HoldsAsync(
            () => ProcessTable.Running(environment.DataFolder, "node").Count == 0, form.Limit,
            () => "App nodes outlive the last web node.");
    }

    /// <summary>How many web nodes the short form kills, and how long it pauses one. The long form does both in each
    /// environment.</summary>
    private protected abstract (int Kills, TimeSpan Pause) ShortForm { get; }

    private protected abstract Task<FaultEnvironment> OpenAsync();

    /// <summary>Pauses a web node until the others have removed it, and starts it again after it has ended by
    /// itself.</summary>
    private async Task PauseAsync(WebNodeGroup tier, int node, TimeSpan pause)
    {
        var limit = FaultForm.Current.Limit;
        tier.Pause(node);
        var since = Stopwatch.StartNew();
        await Until.HoldsAsync(() => since.Elapsed >= pause, limit, () => "");
        tier.Resume(node);
        output.WriteLine($"Web node {node} was paused for {pause.TotalSeconds} s");
        await Until.HoldsAsync(() => tier.HasEnded(node), limit, () => $"It did not end:\n{tier.Log}");
        await tier.StartNodeAsync(node);
    }

    /// <summary>The processes of app nodes, without nodes that have finished and are exiting.</summary>
    private static async Task<int> CountAppNodesAsync(string dataFolder)
    {
        var living = ProcessTable.Running(dataFolder, "node").Select(ProcessTable.Instance).OfType<string>().ToHashSet();
        if (living.Count <= MaxInstances) return living.Count;
        var table = Path.Combine(dataFolder, "fleet.db");
        await using var connection = new SqliteConnection($"Data Source={table};Mode=ReadOnly;Pooling=False");
        await connection.OpenAsync();
        await using var ended = connection.CreateCommand();
        ended.CommandText = "SELECT id FROM instances WHERE ended_at IS NOT NULL";
        await using var rows = await ended.ExecuteReaderAsync();
        while (await rows.ReadAsync()) living.Remove(rows.GetString(0));
        return living.Count;
    }

    /// <summary>Checks repeatedly, from outside, that one scaler works and that the fleet stays below its
    /// cap.</summary>
    private protected static async Task<string> WatchAsync(
        FaultEnvironment environment, WebNodeGroup tier, CancellationToken cancellation)
    {
        var (looks, most) = (0, 0);
        while (!cancellation.IsCancellationRequested)
        {
            looks++;
            most = Math.Max(most, await CountAppNodesAsync(environment.DataFolder));
            Assert.True(most <= MaxInstances, $"There were {most} app nodes.\n{tier.Log}");
            tier.Scaling();
            await Task.Delay(CheckInterval, TimeProvider.System, cancellation)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return $"{looks} looks: at most {most} app nodes, never two scalers";
    }
}

/// <summary>Web nodes on one machine.</summary>
[Collection(BrowserCollection.Name)]
public sealed class EmbeddedWebNodeSpecs(ITestOutputHelper output) : WebNodeSpecs(output)
{
    private readonly ITestOutputHelper _output = output;

    [SkippableFact]
    public async Task A_rolling_restart_fails_only_requests_that_are_told_to_retry()
    {
        var form = FaultForm.Current;
        await using var environment = await OpenAsync();
        await using var tier = await WebNodeGroup.StartAsync(
            environment.DataFolder, Nodes, [.. environment.Settings, $"scaling.max-instances={MaxInstances}"]);
        using var limit = new CancellationTokenSource(form.Limit, TimeProvider.System);
        using var client = new TierClient(tier.Address, limit.Token);
        try
        {
            var restarting = RestartAllAsync(tier);
            var uploaded = 0;
            // However fast the nodes are, there are uploads as long as web nodes restart.
            foreach (var batch in TestPictures.Many(int.MaxValue).Chunk(4).TakeWhile(_ => !restarting.IsCompleted))
            {
                var results = client.ResultsAsync(1);
                await client.UploadAllAsync([batch]);
                await results;
                uploaded += batch.Length;
            }

            await restarting;
            await client.FollowedAsync();
            await client.AssertNothingIsLostAsync(uploaded);
            Assert.Empty(client.Broken);
            _output.WriteLine($"{uploaded} pictures, {client.Refused} requests were refused with a time to retry");
        }
        catch (Exception failure) when (failure is not SkipException)
        {
            throw new Xunit.Sdk.XunitException($"{failure}\n\n{tier.Log}");
        }
    }

    [SkippableFact]
    public async Task In_a_network_partition_the_larger_part_continues_with_one_scaler()
    {
        using var network = SplittableNetwork.TryCreate(Nodes);
        Skip.If(network is null, "this user cannot create network namespaces here");
        var form = FaultForm.Current;
        await using var environment = await OpenAsync();
        await using var tier = await WebNodeGroup.StartOnHostsAsync(
            environment.DataFolder, Nodes,
            [.. environment.Settings, "queues.requests.lease=5s", $"scaling.max-instances={MaxInstances}"]);
        using var limit = new CancellationTokenSource(form.Limit, TimeProvider.System);
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        var watched = WatchAsync(environment, tier, watching.Token);
        try
        {
            await Until.HoldsAsync(() => tier.Scaling() is not null, form.Limit, () => $"Nobody scales:\n{tier.Log}");
            var cut = tier.Scaling()!.Value;
            var others = Enumerable.Range(0, Nodes).Where(node => node != cut).ToArray();
            using var clientOfCut = new PersistentClient(tier.AddressOf(cut), limit.Token);
            using var client = new TierClient(tier.AddressOf(others[0]), limit.Token);
            client.AlsoWatch(watched);
            // The larger part finishes the batches that the smaller part accepted.
            var accepted = await clientOfCut.UploadAsync([.. TestPictures.Slow(20)]);
            SplittableNetwork.Cut(cut);
            await client.UploadAllAsync(TestPictures.Mixed(40).Chunk(10));
            await Until.HoldsAsync(() => tier.HasEnded(cut), form.Limit, () => $"Web node {cut} still runs:\n{tier.Log}");
            await Until.HoldsAsync(
                () => tier.Scaling() is { } scaling && scaling != cut, form.Limit, () => $"Nobody scales:\n{tier.Log}");
            await client.FollowedAsync();
            await client.AssertNothingIsLostAsync(40);
            using var other = new PersistentClient(tier.AddressOf(others[1]), limit.Token);
            await Until.HoldsAsync(
                async () => (await other.GetAsync($"/api/batches/{accepted.Id}")).GetProperty("completed").GetInt32() == 20,
                form.Limit, () => $"Batch {accepted.Id} is not done:\n{tier.Log}");

            SplittableNetwork.Mend(cut);
            await tier.StartNodeAsync(cut);
            await tier.ReadyAsync(cut);
        }
        catch (Exception failure) when (failure is not SkipException)
        {
            throw new Xunit.Sdk.XunitException($"{failure}\n\n{tier.Log}");
        }

        await watching.CancelAsync();
        _output.WriteLine(await watched);
    }

    private protected override (int Kills, TimeSpan Pause) ShortForm => (0, TimeSpan.FromSeconds(12));

    private protected override Task<FaultEnvironment> OpenAsync() => Task.FromResult<FaultEnvironment>(
        new EmbeddedFaults(Directory.CreateTempSubdirectory("image-classifier-").FullName));

    private static async Task RestartAllAsync(WebNodeGroup tier)
    {
        for (var node = 0; node < Nodes; node++)
        {
            Assert.Equal(0, await tier.StopAsync(node));
            await tier.StartNodeAsync(node);
            await tier.ReadyAsync(node);
        }
    }
}

/// <summary>Web nodes in the environment <c>aws</c>.</summary>
public sealed class AwsWebNodeSpecs(ITestOutputHelper output) : WebNodeSpecs(output)
{
    private protected override (int Kills, TimeSpan Pause) ShortForm => (1, TimeSpan.Zero);

    private protected override async Task<FaultEnvironment> OpenAsync() => await EmulatedAwsFaults.StartAsync();
}
