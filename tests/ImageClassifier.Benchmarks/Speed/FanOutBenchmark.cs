using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
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
/// sockets. The two programs run side by side and get their results in turn, so that the drift of a shared machine cancels
/// out.</remarks>
internal static class FanOutBenchmark
{
    private const int Sockets = 1000;
    private const int WarmUpResults = 2;
    private const int MeasuredResults = 10;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Runs the benchmark.</summary>
    public static async Task RunAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        var folder = Directory.CreateTempSubdirectory("image-classifier-fan-out-").FullName;
        try
        {
            await using var service = await RunningService.StartAsync("scaling.max-instances=1");
            service.PreventLaunches();
            var batches = await UploadAsync(service);
            var layout = new EmbeddedLayout(service.DataFolder);
            await using var tierQueue = Responses(layout.ResponseQueue);
            using var tierProcess = Process.GetProcessById(service.ProcessId);
            using var tier = await Subject.ConnectAsync(
                tierProcess, tierQueue, service.Address, batches.Select(batch => batch.Batch.Value), limit.Token);

            var database = Path.Combine(folder, "responses.db");
            await using var bareQueue = Responses(database);
            using var bareProcess = Process.Start(
                new ProcessStartInfo(Environment.ProcessPath!, ["fan-out", database]) { RedirectStandardOutput = true })!;
            try
            {
                var address = new Uri((await bareProcess.StandardOutput.ReadLineAsync(limit.Token))!);
                using var bare = await Subject.ConnectAsync(
                    bareProcess, bareQueue, address, Enumerable.Range(0, Sockets).Select(socket => $"{socket}"), limit.Token);

                var store = new FileObjectStore(layout);
                await PublishAsync(tier, bare, batches, store, 0, WarmUpResults, limit.Token);
                tier.Begin();
                bare.Begin();
                await PublishAsync(tier, bare, batches, store, WarmUpResults, MeasuredResults, limit.Token);
                Write(tier.End(), bare.End());
            }
            finally
            {
                bareProcess.Kill();
                await bareProcess.WaitForExitAsync();
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static SqliteMessageQueue Responses(string database) => new(new SqliteQueueSettings(database, "responses", 80));

    private static void Write(double[] tier, double[] bare)
    {
        var table = new Table().AddColumns("", "median ms", "p99 ms", "KiB an idle socket", "CPU ms a result");
        table.AddRow(["bare Kestrel", .. bare.Select(Text)]);
        table.AddRow(["web node", .. tier.Select(Text)]);
        table.AddRow(["ratio", .. tier.Zip(bare, (one, other) => Text(one / other))]);
        AnsiConsole.Write(table);
    }

    /// <summary>Uploads a batch for each socket, and takes its jobs from the queue.</summary>
    private static async Task<IReadOnlyList<(BatchId Batch, JobId[] Jobs)>> UploadAsync(RunningService service)
    {
        // One picture is left, so that no batch ends meanwhile: its closing is not the way of a result.
        var pictures = TinyPictures.Make(WarmUpResults + MeasuredResults + 1);
        var batches = new List<(BatchId Batch, JobId[] Jobs)>();
        for (var i = 0; i < Sockets; i++)
        {
            using var form = ServiceClient.Form(pictures);
            using var answer = await service.Http.PostAsync("/api/batches", form);
            var accepted = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
            batches.Add((
                BatchId.Parse(ServiceClient.BatchId(accepted)),
                [.. accepted.GetProperty("jobs").EnumerateArray().Select(job => JobId.Parse(job.GetProperty("jobId").GetString()!))]));
        }

        await using var requests = new SqliteMessageQueue(
            new SqliteQueueSettings(new EmbeddedLayout(service.DataFolder).RequestQueue, "requests", 20));
        await EmptyAsync(requests, Sockets * pictures.Count);
        return batches;
    }

    /// <summary>Publishes results, each to the web tier and then, with the bytes that came from there, to the bare
    /// program.</summary>
    private static async Task PublishAsync(
        Subject tier, Subject bare, IReadOnlyList<(BatchId Batch, JobId[] Jobs)> batches, FileObjectStore store, int first, int count,
        CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Pace, TimeProvider.System);
        for (var n = first; n < first + count; n++)
        {
            for (var socket = 0; socket < Sockets; socket++)
            {
                var (batch, jobs) = batches[socket];
                var result = new JobResult(
                    jobs[n], batch, 1, JobStatus.Classified, Predictions, null, null, InstanceId.Parse("benchmark"), null);
                await store.PutIfAbsentAsync(ObjectKeys.Result(batch, jobs[n]), WireJson.WriteUtf8(result), cancellation);
                await timer.WaitForNextTickAsync(cancellation);
                var frame = await tier.PublishAsync(socket, ResultMessage.Of(result, 1), cancellation);

                await timer.WaitForNextTickAsync(cancellation);
                var id = $"{socket}-{n}";
                await bare.PublishAsync(socket, new OutgoingMessage(BareFanOut.Message(socket, frame), id, id), cancellation);
            }
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

    /// <summary>A program that is measured, with its clients.</summary>
    private sealed class Subject : IDisposable
    {
        private readonly Process _process;
        private readonly IMessageQueue _responses;
        private readonly List<Client> _clients = [];
        private readonly List<double> _delays = [];
        private double _socketBytes;
        private TimeSpan _cpu;

        private Subject(Process process, IMessageQueue responses) => (_process, _responses) = (process, responses);

        /// <summary>Connects a socket for each batch, and measures their memory.</summary>
        public static async Task<Subject> ConnectAsync(
            Process process, IMessageQueue responses, Uri address, IEnumerable<string> batches, CancellationToken cancellation)
        {
            var subject = new Subject(process, responses);
            await UntilQuietAsync(process, cancellation);
            var before = ResidentBytes(process);
            foreach (var batch in batches)
            {
                var socket = new UriBuilder(address) { Scheme = "ws", Path = "/ws", Query = $"batch={batch}" }.Uri;
                subject._clients.Add(await Client.ConnectAsync(socket, cancellation));
            }

            await UntilQuietAsync(process, cancellation);
            subject._socketBytes = (ResidentBytes(process) - before) / (double)subject._clients.Count;
            return subject;
        }

        /// <summary>Publishes a message, and returns what came at the socket.</summary>
        public async Task<string> PublishAsync(int socket, OutgoingMessage message, CancellationToken cancellation)
        {
            var published = Stopwatch.GetTimestamp();
            await _responses.SendAsync([message], cancellation);
            var (frame, at) = await _clients[socket].Frames.ReadAsync(cancellation);
            _delays.Add(Stopwatch.GetElapsedTime(published, at).TotalMilliseconds);
            return frame;
        }

        /// <summary>Forgets what was measured so far.</summary>
        public void Begin()
        {
            _delays.Clear();
            _cpu = CpuOf(_process);
        }

        /// <summary>The median and the 99th percentile of the delays in ms, the KiB of an idle socket, and the CPU time of a
        /// result in ms.</summary>
        public double[] End()
        {
            var delays = _delays.ToArray();
            var cpu = (CpuOf(_process) - _cpu).TotalMilliseconds / delays.Length;
            return [delays.Quantile(0.5), delays.Quantile(0.99), _socketBytes / 1024, cpu];
        }

        public void Dispose()
        {
            foreach (var client in _clients) client.Dispose();
        }
    }

    /// <summary>A client with one socket.</summary>
    private sealed class Client : IDisposable
    {
        private readonly ClientWebSocket _socket = new();
        private readonly Channel<(string Frame, long At)> _frames = Channel.CreateUnbounded<(string, long)>();

        /// <summary>What has come, and when.</summary>
        public ChannelReader<(string Frame, long At)> Frames => _frames.Reader;

        public static async Task<Client> ConnectAsync(Uri address, CancellationToken cancellation)
        {
            var client = new Client();
            await client._socket.ConnectAsync(address, cancellation);
            _ = client.ReadAsync(cancellation);
            return client;
        }

        public void Dispose() => _socket.Dispose();

        private async Task ReadAsync(CancellationToken cancellation)
        {
            var buffer = new byte[16 << 10];
            try
            {
                while (true)
                {
                    var received = await _socket.ReceiveAsync(buffer.AsMemory(), cancellation);
                    var at = Stopwatch.GetTimestamp();
                    if (received.MessageType == WebSocketMessageType.Close) return;
                    _frames.Writer.TryWrite((Encoding.UTF8.GetString(buffer, 0, received.Count), at));
                }
            }
            catch (Exception failure) when (failure is WebSocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The measurement has ended.
            }
        }
    }
}
