using System.Diagnostics;
using System.Globalization;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing.Emulator;
using Spectre.Console;

namespace ImageClassifier.Benchmarks;

/// <summary>What an idle web tier and an idle app node cost: CPU time, and requests to AWS by kind. Each runs alone in
/// its process, embedded and on an emulator of AWS.</summary>
/// <remarks>The emulator and its proxies are other processes or this one, so their CPU time does not count. Fleets on EC2
/// add a description each time the scaler looks, which the emulator lacks.</remarks>
internal static class IdleBenchmark
{
    private static readonly TimeSpan UntilQuiet = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(120);

    public static async Task RunAsync()
    {
        var table = new Table().AddColumns("", "CPU, % of a core", "requests a minute", "by kind, a minute");
        await MeasureAsync(table, "embedded", [], null, null);
        if (FauxqsEmulator.IsInstalled)
        {
            await using var emulator = await FauxqsEmulator.StartAsync();
            await using var web = new CountingProxy(emulator.Endpoint, FreePort.Next());
            await using var node = new CountingProxy(emulator.Endpoint, FreePort.Next());
            await RunToEndAsync(["aws", "provision", .. Arguments(OnAws(web))]);
            await MeasureAsync(table, "aws", OnAws(web), web, node);
        }

        AnsiConsole.Write(table);
    }

    private static string[] OnAws(CountingProxy proxy) =>
    [
        "environment=aws", "fleet.kind=processes", "aws.region=eu-central-1", "aws.s3.bucket=idle",
        $"aws.sqs.service-url={proxy.Address}", $"aws.s3.service-url={proxy.Address}",
    ];

    private static async Task MeasureAsync(
        Table table, string environment, string[] settings, CountingProxy? webProxy, CountingProxy? nodeProxy)
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        var processes = new List<Process>();
        try
        {
            var web = Start(["web", "--urls", "http://127.0.0.1:0", "--data", data, .. Arguments(settings)]);
            processes.Add(web);
            await MeasureAsync(table, $"web, {environment}", web, webProxy);
            // A web tier would end a node for which there is no work.
            web.Kill();
            await web.WaitForExitAsync();
            var node = Start(
            [
                // It must not end itself, though nothing comes.
                "node", "--data", data, "--instance", "node-idle",
                .. Arguments([.. nodeProxy is null ? settings : OnAws(nodeProxy), "node.termination.max-empty-polls=1000"]),
            ]);
            processes.Add(node);
            await MeasureAsync(table, $"node, {environment}", node, nodeProxy);
        }
        finally
        {
            foreach (var process in processes)
            {
                if (!process.HasExited) process.Kill();
                await process.WaitForExitAsync();
                process.Dispose();
            }

            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task MeasureAsync(Table table, string name, Process process, CountingProxy? proxy)
    {
        await Task.Delay(UntilQuiet, TimeProvider.System);
        proxy?.TakeCounts();
        process.Refresh();
        var before = process.TotalProcessorTime;
        var watch = Stopwatch.StartNew();
        await Task.Delay(Measured, TimeProvider.System);
        process.Refresh();
        var share = (process.TotalProcessorTime - before) / watch.Elapsed;
        var counts = proxy?.TakeCounts() ?? new Dictionary<string, int>();
        table.AddRow(
            name, Text(100 * share), proxy is null ? "" : Text(AMinute(counts.Values.Sum())),
            string.Join(", ", counts.OrderByDescending(kind => kind.Value).Select(kind => $"{kind.Key} {Text(AMinute(kind.Value))}")));
    }

    private static double AMinute(int count) => count / Measured.TotalMinutes;

    private static IEnumerable<string> Arguments(IEnumerable<string> settings) =>
        settings.SelectMany(setting => new[] { "--set", $"image-classifier.{setting}" });

    private static Process Start(IEnumerable<string> arguments)
    {
        var process = Process.Start(BuiltProgram.StartInfo(arguments))!;
        process.StandardInput.Close();
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static async Task RunToEndAsync(IEnumerable<string> arguments)
    {
        var (exitCode, output, error) = await BuiltProgram.RunAsync([.. arguments]);
        if (exitCode != 0) throw new InvalidOperationException($"{output}\n{error}");
    }

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
