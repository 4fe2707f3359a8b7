using System.Diagnostics;
using System.Globalization;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Spectre.Console;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>The time from the start of an app node's process to its first result, embedded and with a warm disk: with
/// MobileNetV2 and with the default model.</summary>
internal static class FirstResultBenchmark
{
    private const int Rounds = 7;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="variants">App nodes to compare with the one by default; see <see cref="Variant.Parse"/>.</param>
    public static async Task RunAsync(IEnumerable<string> variants)
    {
        Variant[] nodes = [Variant.Default, .. variants.Select(Variant.Parse)];
        (string Name, string Model)[] models =
            [("MobileNetV2", Repository.SharedFile("models", "mobilenet-v2")), ("default model", "models/tiny-imagenet-200")];
        var folder = Directory.CreateTempSubdirectory("image-classifier-first-").FullName;
        try
        {
            var photos = Photos.Write(Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName);
            var data = Path.Combine(folder, "data");
            await using (await RunningService.StartAsync(data, ownsData: false))
            {
            }

            await using var work = Work.Embedded(data);
            await work.StoreAsync(photos);
            var seconds = (from node in nodes from model in models select (node, model))
                .ToDictionary(pair => pair, _ => new List<double>());
            for (var round = 0; round <= Rounds; round++)
            {
                foreach (var ((node, model), times) in seconds)
                {
                    await work.SendAsync(1);
                    var started = Stopwatch.GetTimestamp();
                    await using var process = node.StartNode(model.Model, folder, data, []);
                    await process.DuringAsync(work.TakeAsync(1));
                    // The first round warms the disk's cache.
                    if (round > 0) times.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
                    await process.UntilQuietAsync();
                }
            }

            var table = new Table().AddColumns("", "launch to first result, median s", "least s");
            foreach (var ((node, model), times) in seconds)
                table.AddRow($"{model.Name}{node.Name}", Text(times.Quantile(0.5)), Text(times.Min()));
            AnsiConsole.Write(table);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Text(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
