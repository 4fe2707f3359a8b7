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
    private const int OfBareLimit = 300;

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
            await using var bare = await BareLimit.StartAsync(model, Path.Combine(folder, "photos"), folder);
            await BareLimit.ClassifyAsync(bare, Fresh);
            var rows = new List<Row> { await BareAsync(bare) };
            foreach (var node in nodes) rows.Add(await EmbeddedNodeAsync(node, model, folder, photos, bare));
            foreach (var node in nodes) rows.Add(await AwsNodeAsync(node, model, folder, photos, bare));
            rows.Add(await NaiveAsync(model, folder, photos, bare));
            Print(rows);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<Row> BareAsync(MeteredProcess bare) => MeasureAsync(
        "bare limit", bare, bare, _ => Task.CompletedTask, count => BareLimit.ClassifyAsync(bare, count));

    private static async Task<Row> EmbeddedNodeAsync(
        Variant variant, string model, string folder, IReadOnlyList<string> photos, MeteredProcess bare)
    {
        var data = Path.Combine(folder, Path.GetRandomFileName());
        // The program makes the folder and its files.
        await using (await RunningService.StartAsync(data, ownsData: false))
        {
        }

        await using var work = Work.Embedded(data);
        await work.StoreAsync(photos);
        await using var node = variant.StartNode(model, folder, data, []);
        return await MeasureAsync($"app node, embedded{variant.Name}", node, bare, work.SendAsync, work.TakeAsync);
    }

    // Each row has an emulator of its own, because an emulator becomes slower with what it has done.
    private static async Task<Row> AwsNodeAsync(
        Variant variant, string model, string folder, IReadOnlyList<string> photos, MeteredProcess bare)
    {
        await using var aws = await EmulatedAws.StartAsync();
        await aws.ProvisionAsync();
        await using var work = await Work.AwsAsync(aws);
        await work.StoreAsync(photos);
        await using var node = variant.StartNode(model, folder, Path.Combine(folder, "aws"), aws.Connection);
        return await MeasureAsync($"app node, aws{variant.Name}", node, bare, work.SendAsync, work.TakeAsync);
    }

    private static async Task<Row> NaiveAsync(
        string model, string folder, IReadOnlyList<string> photos, MeteredProcess bare)
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
        return await MeasureAsync("naive worker, aws", naive, bare, work.SendAsync, work.TakeAsync);
    }

    private static async Task<Row> MeasureAsync(
        string name, MeteredProcess process, MeteredProcess bare, Func<int, Task> sendAsync, Func<int, Task> takeAsync)
    {
        await process.UntilQuietAsync();
        var before = await LimitAsync();
        var allocated = await process.AllocatedAsync();
        var cpu = process.Cpu;
        var started = Stopwatch.GetTimestamp();
        await sendAsync(Fresh);
        await process.DuringAsync(takeAsync(Fresh));
        var fresh = process.Cpu - cpu;
        var paused = Stopwatch.GetTimestamp();
        var between = await LimitAsync();
        var pause = Stopwatch.GetElapsedTime(paused);
        if (process == bare) cpu += between * OfBareLimit;
        await sendAsync(Pictures - Fresh);
        await process.DuringAsync(takeAsync(Pictures - Fresh));
        var elapsed = Stopwatch.GetElapsedTime(started) - pause;
        var cost = (process.Cpu - cpu) / Pictures;
        allocated = await process.AllocatedAsync() - allocated;
        var row = new Row(
            name,
            fresh.TotalMilliseconds / Fresh,
            (before + between) / 2 / (fresh / Fresh),
            cost.TotalMilliseconds,
            (before + between + await LimitAsync()) / 3 / cost,
            Pictures / elapsed.TotalSeconds,
            allocated / 1024.0 / Pictures,
            process.PeakMemory / 1024.0 / 1024.0);
        // A benchmark that is broken off has shown something.
        Console.WriteLine(row);
        return row;

        // The bare limit is measured before, between and after, because the speed of a shared machine drifts.
        async Task<TimeSpan> LimitAsync()
        {
            var start = bare.Cpu;
            await BareLimit.ClassifyAsync(bare, OfBareLimit);
            return (bare.Cpu - start) / OfBareLimit;
        }
    }

    private static void Print(IReadOnlyList<Row> rows)
    {
        var table = new Table().AddColumns(
            "", "CPU ms a picture", "of the limit", $"the first {Fresh}", "of the limit", "pictures a second", "KiB allocated a picture",
            "peak MiB");
        foreach (var row in rows)
        {
            table.AddRow(
                row.Name, Text(row.Cpu), Text(row.OfLimit), Text(row.FreshCpu), Text(row.FreshOfLimit), Text(row.Rate),
                Text(row.Allocated), Text(row.PeakMemory));
        }

        AnsiConsole.Write(table);
    }

    private static string Text(double value) => value.ToString(value < 100 ? "0.00" : "0", CultureInfo.InvariantCulture);

    private sealed record Row(
        string Name,
        double FreshCpu,
        double FreshOfLimit,
        double Cpu,
        double OfLimit,
        double Rate,
        double Allocated,
        double PeakMemory);
}
