using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>The service under faults, with clients that want their results. A fault strikes after a number of results,
/// and only while there is work left. The seed decides that number and the target.</summary>
internal sealed class FaultRun : IAsyncDisposable
{
    /// <summary>Pictures of a batch that is accepted long before it is done.</summary>
    public const int LargeBatch = 500;

    /// <summary>Pictures of a batch if many uploads should run at once.</summary>
    public const int SmallBatch = 10;

    private const int UploadsAtOnce = 2;
    private const int LogLines = 30;

    // Faults come faster here than in production. So the messages of a killed process must return sooner too.
    private static readonly string[] QuickRecovery =
    [
        "queues.requests.lease=5s",
    ];

    private readonly FaultEnvironment _environment;
    private readonly CancellationTokenSource _limit;
    private readonly Uri _address = FreePort.Address();
    private readonly string[] _settings;
    private readonly Queue<TestPicture> _pictures;
    private readonly List<RunningService> _lives = [];
    private readonly List<RunningNode> _nodes = [];
    private readonly List<string> _strikes = [];
    private readonly List<Task> _uploading = [];
    private readonly List<Task<bool?>> _leftBehind = [];
    private readonly Stopwatch _elapsed = Stopwatch.StartNew();

    private FaultRun(FaultEnvironment environment, string[] settings, Func<int, IEnumerable<TestPicture>> pictures)
    {
        _environment = environment;
        _settings = [.. environment.Settings, .. QuickRecovery, .. settings];
        _pictures = new Queue<TestPicture>(pictures(Form.Pictures));
        _limit = new CancellationTokenSource(Form.Limit, TimeProvider.System);
        Client = new PersistentClient(_address, _limit.Token);
    }

    public FaultForm Form { get; } = FaultForm.Current;

    public FaultEnvironment Environment => _environment;

    /// <summary>Random numbers from the seed.</summary>
    public Random Random { get; } = new(FaultForm.Seed);

    public PersistentClient Client { get; }

    /// <summary>The log of the web tier, across all restarts.</summary>
    public string Log => string.Join("\n--- killed ---\n", _lives.Select(life => life.Log));

    private RunningService Service => _lives[^1];

    /// <summary>Starts the service.</summary>
    /// <param name="environment">The environment. The caller disposes of it after the run.</param>
    /// <param name="settings">The values of <c>--set</c>, without the prefix image-classifier.</param>
    /// <param name="pictures">Returns the requested number of pictures.</param>
    public static async Task<FaultRun> StartAsync(
        FaultEnvironment environment, string[] settings, Func<int, IEnumerable<TestPicture>> pictures)
    {
        var run = new FaultRun(environment, settings, pictures);
        await run.StartWebAsync();
        return run;
    }

    /// <summary>Uploads the next pictures in batches, until all are accepted.</summary>
    public Task UploadAsync(int pictures, int batchSize)
    {
        var batches = Enumerable.Range(0, Math.Min(pictures, _pictures.Count)).Select(_ => _pictures.Dequeue())
            .Chunk(batchSize).ToArray();
        var uploading = Parallel.ForEachAsync(
            batches,
            new ParallelOptions { MaxDegreeOfParallelism = UploadsAtOnce, CancellationToken = _limit.Token },
            async (batch, _) => await Client.UploadAsync(batch));
        _uploading.Add(uploading);
        return uploading;
    }

    /// <summary>Uploads the remaining pictures.</summary>
    public Task UploadRestAsync() => UploadAsync(_pictures.Count, SmallBatch);

    /// <summary>Completes as soon as this number of further uploads has begun.</summary>
    public Task UploadsBeginAsync(int count)
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Client.UploadBegins += () =>
        {
            if (Interlocked.Decrement(ref count) == 0) begun.TrySetResult();
        };
        return begun.Task.WaitAsync(_limit.Token);
    }

    /// <summary>Waits for more results than there are now.</summary>
    public Task ResultsAsync(int more)
    {
        var wanted = Client.Seen + more;
        return UntilAsync(() => Client.Seen >= wanted, $"{wanted} results are there");
    }

    /// <summary>Waits until a condition holds. Fails if the run has already failed.</summary>
    public Task UntilAsync(Func<bool> condition, string what) => UntilAsync(() => Task.FromResult(condition()), what);

    /// <inheritdoc cref="UntilAsync(Func{bool}, string)"/>
    public Task UntilAsync(Func<Task<bool>> condition, string what) => Until.HoldsAsync(
        async () =>
        {
            Client.ThrowIfFailed();
            if (_uploading.Find(task => task.IsFaulted) is { } failed) await failed;
            return await condition();
        },
        Form.Limit - _elapsed.Elapsed,
        () => $"Timed out waiting for this: {what}.");

    /// <summary>Records a fault that strikes now, and asserts that there is work for it to strike.</summary>
    public void Strike(string fault)
    {
        var struck = $"{_elapsed.Elapsed.TotalSeconds:0.0} s: {fault}, with {Client.Seen} results there,"
            + $" {Client.Outstanding} wanted, {Client.UploadsUnderWay} uploads under way";
        _strikes.Add(struck);
        Assert.True(Client.Outstanding > 0, $"There was no work left to hit. {struck}");
    }

    /// <summary>Kills a live app node that has delivered results.</summary>
    public async Task KillNodeAsync()
    {
        int[] atWork = [];
        await UntilAsync(
            () =>
            {
                var known = Client.Instances;
                atWork = [.. Service.NodeProcesses()
                    .Where(id => ProcessTable.Instance(id) is { } instance && known.Contains(instance)).Order()];
                return atWork.Length > 0;
            },
            "an app node that has delivered results is alive");
        await KillNodeAsync(atWork[Random.Next(atWork.Length)]);
    }

    /// <summary>Kills an app node.</summary>
    public async Task KillNodeAsync(int process)
    {
        // From now on it finishes no job.
        ProcessTable.Signal(process, "STOP");
        var leases = await _environment.LeasesAsync();
        Strike($"app node {ProcessTable.Instance(process)} killed");
        ProcessTable.Signal(process, "KILL");
        _leftBehind.Add(IsAnyLeftAsync(leases));
    }

    /// <summary>True if a lease ends without being renewed, as after the death of its holder; null if the queue cannot
    /// tell.</summary>
    private async Task<bool?> IsAnyLeftAsync(IReadOnlyDictionary<long, TimeSpan>? leases)
    {
        if (leases is null) return null;
        // A live node renews when a third of the lease is left.
        var lateRenewal = TimeSpan.FromSeconds(0.7);
        while (leases.Values.Any(end => end > FaultEnvironment.MachineTime))
        {
            var now = await _environment.LeasesAsync();
            var soon = FaultEnvironment.MachineTime + lateRenewal;
            if (leases.Any(lease => lease.Value < soon && now!.GetValueOrDefault(lease.Key) == lease.Value)) return true;
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, _limit.Token);
        }

        return false;
    }

    /// <summary>Stops all app nodes where they are, until the returned value is disposed of. Then it uploads pictures, so
    /// that there is work left however fast the nodes were.</summary>
    public async Task<IDisposable> FreezeNodesAsync()
    {
        var frozen = Freeze(Service.NodeProcesses());
        try
        {
            await UploadAsync(SmallBatch, SmallBatch);
            return frozen;
        }
        catch
        {
            frozen.Dispose();
            throw;
        }
    }

    /// <summary>Stops an app node where it is, until the returned value is disposed of.</summary>
    public IDisposable Freeze(RunningNode node) => Freeze([node.ProcessId]);

    private FrozenNodes Freeze(IReadOnlyList<int> processes)
    {
        // So no stopped node holds a lock of a queue.
        using (_environment.StopQueues()) return new FrozenNodes(processes);
    }

    /// <summary>Kills the web tier while it accepts uploads, and restarts it.</summary>
    public async Task KillWebAsync()
    {
        Strike("web tier killed");
        Assert.True(Client.UploadsUnderWay > 0, "No upload was under way.");
        await Service.KillWebAsync();
        await StartWebAsync();
    }

    /// <summary>Starts an app node beside those of the web tier, and waits until it is up.</summary>
    public async Task<RunningNode> StartNodeAsync(string instance, IReadOnlyDictionary<string, string> variables)
    {
        var node = RunningNode.Start(_environment.DataFolder, instance, variables, _settings);
        _nodes.Add(node);
        await UntilAsync(
            async () => (await Client.GetAsync("/api/fleet")).GetProperty("instances").EnumerateArray().Any(shown =>
                shown.GetProperty("instanceId").GetString() == instance
                && shown.GetProperty("state").GetString() == "running"),
            $"the node {instance} is up");
        return node;
    }

    /// <summary>The end of every run: each accepted picture has exactly one result, its client has that result, and the
    /// service stops in order.</summary>
    public async Task AssertNothingIsLostAsync()
    {
        Assert.Empty(_pictures);
        var leftBehind = await Task.WhenAll(_leftBehind);
        Assert.True(
            leftBehind.Length == 0 || leftBehind.Any(isLeft => isLeft is null or true), "No killed node held any work.");
        await Client.FollowedAsync();
        Assert.Equal(Form.Pictures, Client.Seen);
        foreach (var batch in Client.Batches) await AssertAnsweredAsync(batch);
        await AssertStoredAsync();
        await UntilAsync(
            async () => (await Client.GetAsync("/api/fleet")).GetProperty("backlog").GetInt32() == 0,
            "no message is left on the request queue");
        await UntilAsync(
            async () => await _environment.ResponsesLeftAsync() is null or 0, "no message is left on the response queue");
        Assert.Equal(0, await Service.StopAsync());
        // Nodes that were started by hand are asked to stop, but nobody waits for their end.
        var byHand = _nodes.Select(node => node.ProcessId).ToHashSet();
        await UntilAsync(
            () => !ProcessTable.Running(_environment.DataFolder, "node").Any(byHand.Contains),
            "the app nodes that were started by hand end");
        Assert.Empty(ProcessTable.Running(_environment.DataFolder, "node"));
        await Task.WhenAll(AssertNoDeadLetterAsync("requests"), AssertNoDeadLetterAsync("responses"));
    }

    /// <summary>The history of the run, with a line for each fault.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{Form.Pictures} pictures, seed {FaultForm.Seed} (IMAGE_CLASSIFIER_FAULTS_SEED): after"
            + $" {_elapsed.Elapsed.TotalSeconds:0} s {Client.Seen} results from {Client.Instances.Count} app nodes;"
            + $" {_strikes.Count} faults, {Client.BrokenUploads.Count} uploads without an answer,"
            + $" {Client.RefusedUploads} refused with a time to retry, {Client.Reconnects} sockets opened again");
        foreach (var strike in _strikes) text.AppendLine(strike);
        return text.ToString();
    }

    /// <summary>The last lines of every log.</summary>
    public string DescribeLogs()
    {
        var text = new StringBuilder();
        foreach (var batch in Client.Batches.Where(batch => batch.Results.Count < batch.Jobs.Count))
        {
            var missing = batch.Jobs.Except(batch.Results.Keys);
            text.AppendLine(CultureInfo.InvariantCulture, $"Batch {batch.Id} lacks {string.Join(", ", missing)}");
        }

        foreach (var life in _lives) Append("web tier", life.Log.Split('\n'));
        foreach (var node in _nodes) Append(node.Instance, node.Output.Split('\n'));
        var logs = new DirectoryInfo(Path.Combine(_environment.DataFolder, "logs"));
        if (logs.Exists)
        {
            foreach (var file in logs.EnumerateFiles().OrderBy(file => file.LastWriteTimeUtc))
                Append(file.Name, ReadShared(file.FullName).Split('\n'));
        }

        return text.ToString();

        void Append(string name, string[] lines) =>
            text.AppendLine(CultureInfo.InvariantCulture, $"--- {name}")
                .AppendJoin('\n', lines.TakeLast(LogLines)).AppendLine();
    }

    public async ValueTask DisposeAsync()
    {
        await _limit.CancelAsync();
        Client.Dispose();
        foreach (var node in _nodes) await node.DisposeAsync();
        foreach (var life in _lives) await life.DisposeAsync();
        // Nodes without a web tier, if the run broke off before its restart.
        foreach (var node in ProcessTable.Running(_environment.DataFolder, "node")) ProcessTable.Signal(node, "KILL");
        _limit.Dispose();
    }

    private static string ReadShared(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    private async Task StartWebAsync() => _lives.Add(
        await RunningService.StartAsync(_environment.DataFolder, ownsData: false, _address, _settings));

    private async Task AssertAnsweredAsync(FollowedBatch batch)
    {
        var answer = await Client.GetAsync($"/api/batches/{batch.Id}");
        var jobs = answer.GetProperty("jobs").EnumerateArray()
            .ToDictionary(job => job.GetProperty("jobId").GetString()!);
        Assert.Equal(batch.Jobs.Count, answer.GetProperty("total").GetInt32());
        Assert.Equal(batch.Jobs.Order(), jobs.Keys.Order());
        foreach (var (id, job) in jobs)
        {
            Assert.True(job.GetProperty("status").GetString() == "classified", $"It is a good picture: {job}");
            batch.AssertSame(id, job);
        }
    }

    /// <summary>A repeated upload is one batch. So the store has exactly the clients' batches.</summary>
    private async Task AssertStoredAsync()
    {
        var manifests = (await _environment.Objects.ListAsync("batches/"))
            .Where(key => key.EndsWith("/manifest.json", StringComparison.Ordinal)).ToArray();
        var accepted = new Dictionary<string, IReadOnlyList<string>>();
        foreach (var key in manifests)
        {
            var manifest = await _environment.Objects.ReadAsync(key);
            accepted[manifest.GetProperty("batch").GetString()!] =
            [
                .. manifest.GetProperty("jobs").EnumerateArray()
                    .Where(job => job.TryGetProperty("imageKey", out var image)
                        && image.ValueKind == JsonValueKind.String)
                    .Select(job => job.GetProperty("job").GetString()!).Order(),
            ];
        }

        Assert.Equal(Client.Batches.Select(batch => batch.Id).Order(), accepted.Keys.Order());
        foreach (var batch in Client.Batches)
        {
            Assert.Equal(batch.Jobs.Order(), accepted[batch.Id]);
            var results = await _environment.Objects.ListAsync($"results/{batch.Id}/");
            Assert.Equal(
                batch.Jobs.Select(job => $"results/{batch.Id}/{job}.json").Order(),
                results.Where(key => key != $"results/{batch.Id}/model.json").Order());
            foreach (var job in batch.Jobs)
            {
                var stored = await _environment.Objects.ReadAsync($"results/{batch.Id}/{job}.json");
                Assert.Equal("classified", stored.GetProperty("status").GetString());
                Assert.Equal(
                    batch.Results[job].GetProperty("instanceId").GetString(),
                    stored.GetProperty("instanceId").GetString());
            }
        }
    }

    private async Task AssertNoDeadLetterAsync(string queue)
    {
        var (exitCode, output, error) = await BuiltProgram.RunAsync(
        [
            "queue", "list", "--queue", queue, "--json", "--data", _environment.DataFolder,
            .. _settings.SelectMany(setting => new[] { "--set", $"image-classifier.{setting}" }),
        ]);
        Assert.True(exitCode == 0, error);
        Assert.Equal("[]", output.Trim());
    }
}
