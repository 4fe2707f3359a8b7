using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.EndToEnd.Programs;
using Spectre.Console;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>The time of a result from the response queue to its socket, with 1,000 sockets on one web node, beside
/// <see cref="BareFanOut"/>, which sends the same bytes. Also the memory of an idle socket.</summary>
/// <remarks>Each socket follows a batch of its own. This program publishes the results in place of app nodes, in turn over all
/// sockets. The two programs take turns, so that the drift of a shared machine cancels out.</remarks>
internal static class FanOutBenchmark
{
    private const int Sockets = 1000;
    private const int WarmUpResults = 2;
    private const int MeasuredResults = 5;
    private const int Rounds = 2;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Runs the benchmark.</summary>
    public static async Task RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-fan-out-").FullName;
        try
        {
            var tiers = new List<Measured>();
            var bares = new List<Measured>();
            for (var round = 0; round < Rounds; round++)
            {
                tiers.Add(await MeasureTierAsync());
                bares.Add(await MeasureBareAsync(folder, tiers[^1].Frames));
            }

            var table = new Table().AddColumns("", "median ms", "p99 ms", "KiB an idle socket", "CPU ms a result");
            AddRow(table, "bare Kestrel", bares);
            AddRow(table, "web node", tiers);
            table.AddRow(["ratio", .. Figures(tiers).Zip(Figures(bares), (tier, bare) => Text(tier / bare))]);
            AnsiConsole.Write(table);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void AddRow(Table table, string name, List<Measured> runs) => table.AddRow([name, .. Figures(runs).Select(Text)]);

    private static IEnumerable<double> Figures(List<Measured> runs)
    {
        var delays = runs.SelectMany(run => run.Delays).ToArray();
        return
        [
            delays.Quantile(0.5), delays.Quantile(0.99), runs.Average(run => run.SocketBytes) / 1024, runs.Average(run => run.CpuOfResult),
        ];
    }

    private static async Task<Measured> MeasureTierAsync()
    {
        await using var service = await RunningService.StartAsync("scaling.max-instances=1");
        service.PreventLaunches();
        // One picture is left, so that no batch ends meanwhile: its closing is not the way of a result.
        var pictures = TinyPictures.Make(WarmUpResults + MeasuredResults + 1);
        var batches = new List<(string Batch, JobId[] Jobs)>();
        for (var i = 0; i < Sockets; i++)
        {
            using var form = ServiceClient.Form(pictures);
            using var answer = await service.Http.PostAsync("/api/batches", form);
            var accepted = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
            batches.Add((
                ServiceClient.BatchId(accepted),
                [.. accepted.GetProperty("jobs").EnumerateArray().Select(job => JobId.Parse(job.GetProperty("jobId").GetString()!))]));
        }

        var layout = new EmbeddedLayout(service.DataFolder);
        await using (var requests = new SqliteMessageQueue(new SqliteQueueSettings(layout.RequestQueue, "requests", 20)))
            await EmptyAsync(requests, Sockets * pictures.Count);
        await using var responses = new SqliteMessageQueue(new SqliteQueueSettings(layout.ResponseQueue, "responses", 80));
        var store = new FileObjectStore(layout);
        using var process = Process.GetProcessById(service.ProcessId);
        return await MeasureAsync(
            process,
            [.. batches.Select(batch => new UriBuilder(service.Address) { Scheme = "ws", Path = "/ws", Query = $"batch={batch.Batch}" }.Uri)],
            async (socket, n) =>
            {
                var job = batches[socket].Jobs[n];
                var result = new JobResult(
                    job, BatchId.Parse(batches[socket].Batch), 1, JobStatus.Classified, Predictions, null, null,
                    InstanceId.Parse("benchmark"), null);
                await store.PutIfAbsentAsync(ObjectKeys.Result(result.Batch, job), WireJson.WriteUtf8(result), CancellationToken.None);
                return new OutgoingMessage(WireJson.Write(result), job.Value, $"{job.Value}:1");
            },
            responses);
    }

    private static async Task<Measured> MeasureBareAsync(string folder, IReadOnlyList<string[]> frames)
    {
        var database = Path.Combine(folder, $"{Guid.NewGuid():n}.db");
        await using var responses = new SqliteMessageQueue(new SqliteQueueSettings(database, "responses", 80));
        using var process = Process.Start(
            new ProcessStartInfo(Environment.ProcessPath!, ["fan-out", database]) { RedirectStandardOutput = true })!;
        try
        {
            var address = await process.StandardOutput.ReadLineAsync().WaitAsync(Limit);
            return await MeasureAsync(
                process,
                [.. Enumerable.Range(0, frames.Count).Select(i => new UriBuilder(address!) { Scheme = "ws", Path = "/ws", Query = $"batch={i}" }.Uri)],
                (socket, n) => ValueTask.FromResult(new OutgoingMessage(
                    BareFanOut.Message(socket, frames[socket][n]), $"{socket}-{n}", $"{socket}-{n}")),
                responses);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    private static async Task<Measured> MeasureAsync(
        Process process,
        IReadOnlyList<Uri> addresses,
        Func<int, int, ValueTask<OutgoingMessage>> messageAsync,
        IMessageQueue responses)
    {
        using var limit = new CancellationTokenSource(Limit);
        var clients = new List<Client>();
        try
        {
            await UntilQuietAsync(process, limit.Token);
            var before = ResidentBytes(process);
            foreach (var address in addresses) clients.Add(await Client.ConnectAsync(address, limit.Token));
            await UntilQuietAsync(process, limit.Token);
            var socketBytes = (ResidentBytes(process) - before) / (double)addresses.Count;

            for (var n = 0; n < WarmUpResults; n++) await PublishAsync(n);
            await UntilQuietAsync(process, limit.Token);
            var cpu = CpuOf(process);
            for (var n = WarmUpResults; n < WarmUpResults + MeasuredResults; n++) await PublishAsync(n);
            var cpuOfResult = (CpuOf(process) - cpu).TotalMilliseconds / (addresses.Count * MeasuredResults);
            return new Measured(
                [.. clients.SelectMany(client => client.Delays.Skip(WarmUpResults))],
                socketBytes,
                cpuOfResult,
                [.. clients.Select(client => client.Frames.ToArray())]);
        }
        finally
        {
            foreach (var client in clients) client.Dispose();
        }

        async Task PublishAsync(int n)
        {
            using var timer = new PeriodicTimer(Pace, TimeProvider.System);
            for (var socket = 0; socket < addresses.Count; socket++)
            {
                var message = await messageAsync(socket, n);
                await timer.WaitForNextTickAsync(limit.Token);
                clients[socket].ExpectResult();
                await responses.SendAsync([message], limit.Token);
            }

            await Until.HoldsAsync(
                () => clients.All(client => client.Delays.Count > n), TimeSpan.FromMinutes(1), () => "A result did not come.");
        }
    }

    private static readonly Prediction[] Predictions =
    [
        new(1, "goldfish, Carassius auratus", 0.91), new(392, "rock beauty, Holocanthus tricolor", 0.03), new(393, "anemone fish", 0.02),
        new(0, "tench, Tinca tinca", 0.01), new(397, "puffer, pufferfish, blowfish, globefish", 0.01),
    ];

    /// <summary>Takes all jobs, so that the scaler has nothing to launch for.</summary>
    private static async Task EmptyAsync(IMessageQueue requests, int jobs)
    {
        while (jobs > 0)
        {
            var received = await requests.ReceiveAsync(
                IMessageQueue.MaxBatch, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1), CancellationToken.None);
            await requests.DeleteAsync([.. received.Select(message => message.Receipt)], CancellationToken.None);
            jobs -= received.Count;
        }
    }

    private static async Task UntilQuietAsync(Process process, CancellationToken cancellation)
    {
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1), TimeProvider.System);
        TimeSpan before;
        do
        {
            before = CpuOf(process);
            await second.WaitForNextTickAsync(cancellation);
        }
        while (CpuOf(process) - before > TimeSpan.FromMilliseconds(100));
    }

    private static TimeSpan CpuOf(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime;
    }

    private static long ResidentBytes(Process process)
    {
        process.Refresh();
        return process.WorkingSet64;
    }

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private sealed record Measured(double[] Delays, double SocketBytes, double CpuOfResult, IReadOnlyList<string[]> Frames);

    /// <summary>A client with one socket. It notes when each result came, and its bytes.</summary>
    private sealed class Client(ClientWebSocket socket) : IDisposable
    {
        private readonly ConcurrentQueue<long> _published = new();

        public ConcurrentQueue<double> Delays { get; } = new();

        public ConcurrentQueue<string> Frames { get; } = new();

        public static async Task<Client> ConnectAsync(Uri address, CancellationToken cancellation)
        {
            var socket = new ClientWebSocket();
            await socket.ConnectAsync(address, cancellation);
            var client = new Client(socket);
            _ = client.ReadAsync(cancellation);
            return client;
        }

        /// <summary>Notes that a result is published now.</summary>
        public void ExpectResult() => _published.Enqueue(Stopwatch.GetTimestamp());

        public void Dispose() => socket.Dispose();

        private async Task ReadAsync(CancellationToken cancellation)
        {
            var buffer = new byte[16 << 10];
            try
            {
                while (true)
                {
                    var received = await socket.ReceiveAsync(buffer.AsMemory(), cancellation);
                    if (received.MessageType == WebSocketMessageType.Close) return;
                    // The message that ends a batch is no result.
                    if (!_published.TryDequeue(out var at)) continue;
                    var delay = Stopwatch.GetElapsedTime(at).TotalMilliseconds;
                    Frames.Enqueue(Encoding.UTF8.GetString(buffer, 0, received.Count));
                    Delays.Enqueue(delay);
                }
            }
            catch (Exception failure) when (failure is WebSocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The measurement has ended.
            }
        }
    }
}
