using System.Globalization;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Core.Ports;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Spectre.Console;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>The memory of a web tier with many idle sockets, and of its app node, while many pictures go through both.
/// Embedded, with MobileNetV2.</summary>
internal static class MemoryBenchmark
{
    private const int Sockets = 1000;
    private const int Pictures = 20_000;
    private const int Between = 2000;
    private const int OfBatch = 50;
    private const int BatchesAtOnce = 8;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    /// <summary>Runs the benchmark.</summary>
    /// <param name="variants">Web tiers to compare with the one by default; see <see cref="Variant.Parse"/>. The app node
    /// gets the variables too.</param>
    public static async Task RunAsync(IEnumerable<string> variants)
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-memory-").FullName;
        try
        {
            var photos = Photos.Write(folder)
                .Select(photo => (Name: Path.GetFileName(photo), Bytes: File.ReadAllBytes(photo))).ToArray();
            foreach (var variant in (IEnumerable<Variant>)[Variant.Default, .. variants.Select(Variant.Parse)])
                AnsiConsole.Write(await MeasureAsync(variant, photos));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<Table> MeasureAsync(Variant variant, (string Name, byte[] Bytes)[] photos)
    {
        using var limit = new CancellationTokenSource(Limit);
        await using var service = await RunningService.StartAsync(
            variant.Program,
            Directory.CreateTempSubdirectory("image-classifier-").FullName,
            ownsData: true,
            variant.Variables,
            [
                $"node.classification.model={Repository.SharedFile("models", "mobilenet-v2")}",
                "node.classification.max-batch=auto", "scaling.max-instances=1",
                "node.termination.max-empty-polls=1000", .. variant.Settings,
            ]);
        var table = new Table { Title = new TableTitle($"{Sockets} sockets{variant.Name}") }.AddColumns(
            "pictures", "web tier, MiB", "its peak", "app node, MiB", "its peak");
        var sockets = new List<ClientWebSocket>();
        try
        {
            var idle = await UploadUnclassifiedAsync(service, photos[0], limit.Token);
            for (var i = 0; i < Sockets; i++)
            {
                var socket = await ServiceClient.ConnectAsync(service, $"batch={idle}", limit.Token);
                sockets.Add(socket);
                // Only a read answers the service's pings. Without an answer it closes the socket.
                _ = ServiceClient.ReceiveAsync(socket, limit.Token);
            }

            for (var done = 0; done < Pictures; done += Between)
            {
                await ClassifyAsync(service, photos, done, limit.Token);
                var node = service.NodeProcesses().Single();
                table.AddRow(
                    [
                        (done + Between).ToString(CultureInfo.InvariantCulture),
                        .. new[] { service.ProcessId, node }.SelectMany(process => new[] { "VmRSS", "VmHWM" }
                            .Select(kind => MebibytesOf(process, kind))),
                    ]);
            }
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }

        return table;
    }

    /// <summary>Uploads a picture and takes its message from the queue, so that its batch never ends.</summary>
    private static async Task<string> UploadUnclassifiedAsync(
        RunningService service, (string Name, byte[] Bytes) photo, CancellationToken cancellation)
    {
        service.PreventLaunches();
        var batch = await UploadAsync(service, [photo], cancellation);
        await using var requests = new SqliteMessageQueue(
            new SqliteQueueSettings(new EmbeddedLayout(service.DataFolder).RequestQueue, "requests", 20));
        var received = await requests.ReceiveAsync(
            IMessageQueue.MaxBatch, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1), CancellationToken.None);
        await requests.DeleteAsync([.. received.Select(message => message.Receipt)], cancellation);
        RunningService.AllowLaunches(service.DataFolder);
        return batch;
    }

    private static Task ClassifyAsync(
        RunningService service, (string Name, byte[] Bytes)[] photos, int first, CancellationToken cancellation) =>
        Parallel.ForEachAsync(
            Enumerable.Range(0, Between / OfBatch),
            new ParallelOptions { MaxDegreeOfParallelism = BatchesAtOnce, CancellationToken = cancellation },
            async (batch, stop) =>
            {
                var pictures = Enumerable.Range(first + (batch * OfBatch), OfBatch).Select(i => photos[i % photos.Length]);
                var id = await UploadAsync(service, pictures, stop);
                using var socket = await ServiceClient.ConnectAsync(service, $"batch={id}", stop);
                while (await ServiceClient.ReceiveAsync(socket, stop) is { } frame
                    && frame.GetProperty("type").GetString() != "complete")
                {
                }
            });

    private static async Task<string> UploadAsync(
        RunningService service, IEnumerable<(string Name, byte[] Bytes)> pictures, CancellationToken cancellation)
    {
        using var form = ServiceClient.Form(pictures);
        using var answer = await service.Http.PostAsync("/api/batches", form, cancellation);
        return ServiceClient.BatchId(
            await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(cancellation));
    }

    /// <summary>A figure of <c>/proc/{process}/status</c>, which counts in KiB.</summary>
    private static string MebibytesOf(int process, string kind)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(kind, StringComparison.Ordinal));
        var kibibytes = double.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        return (kibibytes / 1024).ToString("0", CultureInfo.InvariantCulture);
    }
}
