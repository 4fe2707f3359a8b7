using System.Diagnostics;
using System.Globalization;
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

    public static async Task RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-web-").FullName;
        try
        {
            var uploads = new Uploads(Photos.Write(Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName));
            var table = new Table().AddColumns(
                "web tier", "CPU ms a picture", $"the first {Fresh}", "pictures a second", "KiB allocated a picture", "peak MiB");
            table.AddRow([.. await MeasureAsync("embedded", folder, uploads, [])]);
            await using var aws = await EmulatedAws.StartAsync();
            await aws.ProvisionAsync();
            table.AddRow([.. await MeasureAsync("aws", folder, uploads, aws.Connection)]);
            AnsiConsole.Write(table);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<IEnumerable<string>> MeasureAsync(
        string name, string folder, Uploads uploads, IEnumerable<string> settings)
    {
        var variables = new Dictionary<string, string?>();
        StartupHook.AddTo(variables, folder);
        await using var service = await RunningService.StartAsync(
            Directory.CreateTempSubdirectory("image-classifier-").FullName,
            ownsData: true,
            variables.ToDictionary(variable => variable.Key, variable => variable.Value!),
            [
                $"node.classification.model={Repository.SharedFile("models", "mobilenet-v2")}", "scaling.max-instances=1",
                .. settings,
            ]);
        await using var process = MeteredProcess.Of(service.ProcessId, folder);
        await process.UntilQuietAsync();
        var allocated = await process.AllocatedAsync();
        var cpu = process.Cpu;
        var started = Stopwatch.GetTimestamp();
        await uploads.SendAsync(service, Fresh);
        var fresh = process.Cpu - cpu;
        await uploads.SendAsync(service, Pictures - Fresh);
        var elapsed = Stopwatch.GetElapsedTime(started);
        return
        [
            name,
            Text((process.Cpu - cpu).TotalMilliseconds / Pictures),
            Text(fresh.TotalMilliseconds / Fresh),
            Text(Pictures / elapsed.TotalSeconds),
            Text((await process.AllocatedAsync() - allocated) / 1024.0 / Pictures),
            Text(process.PeakMemory / 1024.0 / 1024.0),
        ];
    }

    private static string Text(double value) => value.ToString(value < 100 ? "0.00" : "0", CultureInfo.InvariantCulture);
}
