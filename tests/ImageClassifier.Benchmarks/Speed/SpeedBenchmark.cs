using System.Diagnostics;
using System.Globalization;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Spectre.Console;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>Compares what a picture costs, in one run on the same photos, model and cores: the bare limit, an app node in
/// both environments, and the naive worker. The starts of the processes are not counted.</summary>
internal static class SpeedBenchmark
{
    private const int Fresh = 600;
    private const int Pictures = 3000;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="variants">App nodes to compare with the one by default; see <see cref="Variant.Parse"/>.</param>
    public static async Task RunAsync(IEnumerable<string> variants)
    {
        IReadOnlyList<Variant> nodes = [Variant.Default, .. variants.Select(Variant.Parse)];
        var folder = Directory.CreateTempSubdirectory("image-classifier-speed-").FullName;
        try
        {
            var model = Repository.SharedFile("models", "mobilenet-v2");
            var photos = Photos.Write(Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName);
            var rows = new List<Row> { await BareAsync(model, folder) };
            foreach (var node in nodes) rows.Add(await EmbeddedNodeAsync(node, model, folder, photos));
            foreach (var node in nodes) rows.Add(await AwsNodeAsync(node, model, folder, photos));
            rows.Add(await NaiveAsync(model, folder, photos));
            Print(rows);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<Row> BareAsync(string model, string folder)
    {
        await using var process = await BareLimit.StartAsync(model, Path.Combine(folder, "photos"), folder);
        return await MeasureAsync(
            "bare limit", process, _ => Task.CompletedTask, count => BareLimit.ClassifyAsync(process, count));
    }

    private static async Task<Row> EmbeddedNodeAsync(
        Variant variant, string model, string folder, IReadOnlyList<string> photos)
    {
        var data = Path.Combine(folder, Path.GetRandomFileName());
        // The program makes the folder and its files.
        await using (await RunningService.StartAsync(data, ownsData: false))
        {
        }

        await using var work = Work.Embedded(data);
        await work.StoreAsync(photos);
        await using var node = variant.StartNode(model, folder, data, []);
        return await MeasureAsync($"app node, embedded{variant.Name}", node, work.SendAsync, work.TakeAsync);
    }

    // Each row has an emulator of its own, because an emulator becomes slower with what it has done.
    private static async Task<Row> AwsNodeAsync(
        Variant variant, string model, string folder, IReadOnlyList<string> photos)
    {
        await using var aws = await EmulatedAws.StartAsync();
        await aws.ProvisionAsync();
        await using var work = await Work.AwsAsync(aws);
        await work.StoreAsync(photos);
        await using var node = variant.StartNode(model, folder, Path.Combine(folder, "aws"), aws.Connection);
        return await MeasureAsync($"app node, aws{variant.Name}", node, work.SendAsync, work.TakeAsync);
    }

    private static async Task<Row> NaiveAsync(string model, string folder, IReadOnlyList<string> photos)
    {
        await using var aws = await EmulatedAws.StartAsync();
        await aws.ProvisionAsync();
        await using var work = await Work.AwsAsync(aws);
        await work.StoreAsync(photos);
        await using var naive = MeteredProcess.Start(
            Environment.ProcessPath!,
            folder,
            Variant.Default.Variables,
            [
                "naive", model, aws.Endpoint.ToString(), EmulatedAws.Bucket, await Work.QueueUrlAsync(aws, "requests"),
                await Work.QueueUrlAsync(aws, "responses"),
            ]);
        await naive.ReadLineAsync();
        return await MeasureAsync("naive worker, aws", naive, work.SendAsync, work.TakeAsync);
    }

    private static async Task<Row> MeasureAsync(
        string name, MeteredProcess process, Func<int, Task> sendAsync, Func<int, Task> takeAsync)
    {
        await process.UntilQuietAsync();
        var allocated = await process.AllocatedAsync();
        var cpu = process.Cpu;
        var started = Stopwatch.GetTimestamp();
        await sendAsync(Fresh);
        await process.DuringAsync(takeAsync(Fresh));
        var fresh = process.Cpu - cpu;
        await sendAsync(Pictures - Fresh);
        await process.DuringAsync(takeAsync(Pictures - Fresh));
        var elapsed = Stopwatch.GetElapsedTime(started);
        var row = new Row(
            name,
            fresh.TotalMilliseconds / Fresh,
            (process.Cpu - cpu).TotalMilliseconds / Pictures,
            Pictures / elapsed.TotalSeconds,
            (await process.AllocatedAsync() - allocated) / 1024.0 / Pictures,
            process.PeakMemory / 1024.0 / 1024.0);
        // A benchmark that is broken off has shown something.
        Console.WriteLine(row);
        return row;
    }

    private static void Print(IReadOnlyList<Row> rows)
    {
        var limit = rows[0].Cpu;
        var table = new Table().AddColumns(
            "", "CPU ms a picture", "of the limit", $"the first {Fresh}", "of the limit", "pictures a second", "KiB allocated a picture",
            "peak MiB");
        foreach (var row in rows)
        {
            table.AddRow(
                row.Name, Text(row.Cpu), Text(limit / row.Cpu), Text(row.FreshCpu), Text(limit / row.FreshCpu), Text(row.Rate),
                Text(row.Allocated), Text(row.PeakMemory));
        }

        AnsiConsole.Write(table);
    }

    private static string Text(double value) => value.ToString(value < 100 ? "0.00" : "0", CultureInfo.InvariantCulture);

    private sealed record Row(
        string Name, double FreshCpu, double Cpu, double Rate, double Allocated, double PeakMemory);
}
