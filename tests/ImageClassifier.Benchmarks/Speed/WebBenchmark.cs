using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Spectre.Console;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>What an accepted picture with its result costs the web tier, from the upload to the socket, in both
/// environments. One app node of the tier's own fleet classifies.</summary>
internal static class WebBenchmark
{
    private const int Fresh = 600;
    private const int Pictures = 3000;
    private const int OfBatch = 50;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Runs the benchmark.</summary>
    /// <param name="variants">Web tiers to compare with the one by default; see <see cref="Variant.Parse"/>.</param>
    public static async Task RunAsync(IEnumerable<string> variants)
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-web-").FullName;
        try
        {
            var photos = Photos.Write(Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName)
                .Select(photo => (Name: Path.GetFileName(photo), Bytes: File.ReadAllBytes(photo))).ToArray();
            var table = new Table().AddColumns(
                "web tier", "CPU ms a picture", $"the first {Fresh}", "pictures a second", "KiB allocated a picture", "peak MiB");
            foreach (var variant in (IEnumerable<Variant>)[Variant.Default, .. variants.Select(Variant.Parse)])
            {
                table.AddRow([.. await MeasureAsync("embedded", variant, folder, photos, [])]);
                // The emulator slows down with what it has done.
                await using var aws = await EmulatedAws.StartAsync();
                await aws.ProvisionAsync();
                table.AddRow([.. await MeasureAsync("aws", variant, folder, photos, aws.Connection)]);
            }

            AnsiConsole.Write(table);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<IEnumerable<string>> MeasureAsync(
        string name, Variant variant, string folder, (string Name, byte[] Bytes)[] photos, IEnumerable<string> settings)
    {
        var variables = variant.Variables.ToDictionary(pair => pair.Key, string? (pair) => pair.Value);
        StartupHook.AddTo(variables, folder);
        await using var service = await RunningService.StartAsync(
            variant.Program,
            Directory.CreateTempSubdirectory("image-classifier-").FullName,
            ownsData: true,
            variables.ToDictionary(variable => variable.Key, variable => variable.Value!),
            [
                $"node.classification.model={Repository.SharedFile("models", "mobilenet-v2")}", "scaling.max-instances=1",
                .. settings, .. variant.Settings,
            ]);
        await using var process = MeteredProcess.Of(service.ProcessId, folder);
        await process.UntilQuietAsync();
        var allocated = await process.AllocatedAsync();
        var cpu = process.Cpu;
        var started = Stopwatch.GetTimestamp();
        await UploadAsync(service, photos, Fresh);
        var fresh = process.Cpu - cpu;
        await UploadAsync(service, photos, Pictures - Fresh);
        var elapsed = Stopwatch.GetElapsedTime(started);
        return
        [
            name + variant.Name,
            Text((process.Cpu - cpu).TotalMilliseconds / Pictures),
            Text(fresh.TotalMilliseconds / Fresh),
            Text(Pictures / elapsed.TotalSeconds),
            Text((await process.AllocatedAsync() - allocated) / 1024.0 / Pictures),
            Text(process.PeakMemory / 1024.0 / 1024.0),
        ];
    }

    private static async Task UploadAsync(RunningService service, (string Name, byte[] Bytes)[] photos, int pictures)
    {
        using var limit = new CancellationTokenSource(Limit);
        var followed = new List<Task>();
        for (var sent = 0; sent < pictures; sent += OfBatch)
        {
            using var form = ServiceClient.Form(Enumerable.Range(sent, OfBatch).Select(i => photos[i % photos.Length]));
            using var answer = await service.Http.PostAsync("/api/batches", form, limit.Token);
            var accepted = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(limit.Token);
            followed.Add(FollowAsync(ServiceClient.BatchId(accepted)));
        }

        await Task.WhenAll(followed);

        async Task FollowAsync(string batch)
        {
            using var socket = await ServiceClient.ConnectAsync(service, $"batch={batch}", limit.Token);
            var buffer = new byte[16 * 1024];
            for (var results = 0; results < OfBatch;)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(), limit.Token);
                if (received.MessageType == WebSocketMessageType.Close) throw new InvalidOperationException("The socket closed.");
                if (received.EndOfMessage) results++;
            }
        }
    }

    private static string Text(double value) => value.ToString(value < 100 ? "0.00" : "0", CultureInfo.InvariantCulture);
}
