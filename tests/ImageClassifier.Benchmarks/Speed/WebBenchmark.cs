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
    private const int OfBareLimit = 300;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="variants">Web tiers to compare with the one by default; see <see cref="Variant.Parse"/>.</param>
    public static async Task RunAsync(IEnumerable<string> variants)
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-web-").FullName;
        try
        {
            var photos = Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName;
            var uploads = new Uploads(Photos.Write(photos));
            var table = new Table().AddColumns(
                "web tier", "CPU ms a picture", "of the bare limit's", $"the first {Fresh}", "pictures a second", "KiB allocated a picture",
                "peak MiB");
            await using var bare = await BareLimit.StartAsync(Repository.SharedFile("models", "mobilenet-v2"), photos, folder);
            await BareLimit.ClassifyAsync(bare, Fresh);
            foreach (var variant in (IEnumerable<Variant>)[Variant.Default, .. variants.Select(Variant.Parse)])
            {
                table.AddRow([.. await MeasureAsync("embedded", variant, folder, uploads, bare, [])]);
                // The emulator slows down with what it has done.
                await using var aws = await EmulatedAws.StartAsync();
                await aws.ProvisionAsync();
                table.AddRow([.. await MeasureAsync("aws", variant, folder, uploads, bare, aws.Connection)]);
            }

            AnsiConsole.Write(table);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<IEnumerable<string>> MeasureAsync(
        string name,
        Variant variant,
        string folder,
        Uploads uploads,
        MeteredProcess bare,
        IEnumerable<string> settings)
    {
        var bareCpu = bare.Cpu;
        await BareLimit.ClassifyAsync(bare, OfBareLimit);
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
        await uploads.SendAsync(service, Fresh);
        var fresh = process.Cpu - cpu;
        await uploads.SendAsync(service, Pictures - Fresh);
        var elapsed = Stopwatch.GetElapsedTime(started);
        var cost = (process.Cpu - cpu) / Pictures;
        // The bare limit is measured before and after, because the speed of a shared machine drifts.
        await BareLimit.ClassifyAsync(bare, OfBareLimit);
        return
        [
            name + variant.Name,
            Text(cost.TotalMilliseconds),
            Text(cost / ((bare.Cpu - bareCpu) / (2 * OfBareLimit))),
            Text(fresh.TotalMilliseconds / Fresh),
            Text(Pictures / elapsed.TotalSeconds),
            Text((await process.AllocatedAsync() - allocated) / 1024.0 / Pictures),
            Text(process.PeakMemory / 1024.0 / 1024.0),
        ];
    }

    private static string Text(double value) => value.ToString(value < 100 ? "0.00" : "0", CultureInfo.InvariantCulture);
}
