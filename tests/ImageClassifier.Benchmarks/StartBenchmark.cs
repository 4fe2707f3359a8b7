using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace ImageClassifier.Benchmarks;

/// <summary>Compares builds of the program: the time until the web node listens, and its memory then. It starts the
/// builds in turn, many times.</summary>
internal static class StartBenchmark
{
    private const int Rounds = 15;

    public static async Task RunAsync(IReadOnlyList<string> programs)
    {
        var seconds = programs.ToDictionary(program => program, _ => new List<double>());
        var mebibytes = programs.ToDictionary(program => program, _ => new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var program in programs)
            {
                var (started, memory) = await StartAsync(program);
                // The first round warms the disk's cache.
                if (round == 0) continue;
                seconds[program].Add(started);
                mebibytes[program].Add(memory);
            }
        }

        var table = new Table().AddColumns("program", "start, median s", "ratio", "memory, median MiB", "ratio");
        foreach (var program in programs)
        {
            table.AddRow(
                program,
                Text(seconds[program].Quantile(0.5)),
                Text(seconds[program].Quantile(0.5) / seconds[programs[0]].Quantile(0.5)),
                Text(mebibytes[program].Quantile(0.5)),
                Text(mebibytes[program].Quantile(0.5) / mebibytes[programs[0]].Quantile(0.5)));
        }

        AnsiConsole.Write(table);
    }

    private static async Task<(double Seconds, double Mebibytes)> StartAsync(string program)
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        try
        {
            var started = Stopwatch.StartNew();
            using var process = Process.Start(new ProcessStartInfo(
                program, ["web", "--urls", "http://127.0.0.1:0", "--data", data])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            })!;
            while (await process.StandardError.ReadLineAsync() is { } line
                && !line.Contains("Now listening on", StringComparison.Ordinal))
            {
            }

            var seconds = started.Elapsed.TotalSeconds;
            process.Refresh();
            var memory = process.WorkingSet64 / 1024.0 / 1024.0;
            process.Kill();
            await process.WaitForExitAsync();
            return (seconds, memory);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static string Text(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);
}
