using System.Globalization;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Spectre.Console;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>The short form of the benchmarks <c>speed</c> and <c>web</c>, for CI. It compares CPU times within one run, so
/// it holds on any machine, and it fails only at half of a goal.</summary>
internal static class SpeedCheck
{
    private const int DistinctPhotos = 100;
    private const int OfBareLimit = 100;
    private const int Fresh = 600;

    // These pictures compile the code. The compiler would cost more than the pictures that follow.
    private const int WarmUp = 400;
    private const int Warm = 200;

    // In the order in which a round returns them. The web tier's goals are 1 and 2 ms where the bare limit takes 6.7.
    private static readonly Ratio[] Ratios =
    [
        new("app node, embedded", 0.95, IsCost: false),
        new("web tier, embedded", 0.15, IsCost: true),
        new($"app node, aws, the first {Fresh}", 0.80, IsCost: false),
        new("app node, aws", 0.85, IsCost: false),
        new("web tier, aws", 0.30, IsCost: true),
    ];

    /// <summary>Runs the check.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-check-").FullName;
        try
        {
            var photos = Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName;
            var uploads = new Uploads(Photos.Write(photos, DistinctPhotos));
            var rounds = new List<double[]> { await MeasureAsync(photos, folder, uploads) };
            // Another program can disturb one round. It rarely disturbs the same ratio in two of three.
            while (rounds.Count < 3 && Ratios.Where((ratio, i) => ratio.IsFarOff(rounds[0][i])).Any())
                rounds.Add(await MeasureAsync(photos, folder, uploads));
            return Judge([.. Ratios.Select((_, i) => rounds.Select(round => round[i]).Quantile(0.5))], rounds.Count);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double[]> MeasureAsync(string photos, string folder, Uploads uploads)
    {
        await using var bare = await BareLimit.StartAsync(Repository.SharedFile("models", "mobilenet-v2"), photos, folder);
        await BareLimit.ClassifyAsync(bare, OfBareLimit);
        await using var aws = await EmulatedAws.StartAsync();
        await aws.ProvisionAsync();
        // Both start at once, because much of a start is waiting.
        var starting = MeteredTiers.StartAsync(uploads, aws.Connection);
        await using var embedded = await MeteredTiers.StartAsync(uploads, []);
        await using var onAws = await starting;
        await embedded.ClassifyAsync(uploads, WarmUp);
        var (embeddedWeb, embeddedNode) = await CompareAsync(embedded, Warm);
        var (_, freshNode) = await CompareAsync(onAws, Fresh);
        var (awsWeb, awsNode) = await CompareAsync(onAws, Warm);
        return [1 / embeddedNode, embeddedWeb, 1 / freshNode, 1 / awsNode, awsWeb];

        // The bare limit is measured before and after, because the speed of a shared machine drifts.
        async Task<(double Web, double Node)> CompareAsync(MeteredTiers tiers, int count)
        {
            var before = bare.Cpu;
            await BareLimit.ClassifyAsync(bare, OfBareLimit);
            var (web, node) = await tiers.ClassifyAsync(uploads, count);
            await BareLimit.ClassifyAsync(bare, OfBareLimit);
            var limit = (bare.Cpu - before) / (2 * OfBareLimit) * count;
            return (web / limit, node / limit);
        }
    }

    private static int Judge(double[] values, int rounds)
    {
        var table = new Table().AddColumns("CPU time, to the bare limit's", rounds > 1 ? $"median of {rounds}" : "ratio", "goal", "fails");
        foreach (var (ratio, value) in Ratios.Zip(values))
            table.AddRow(ratio.Name, Text(value), Text(ratio.Goal), $"{(ratio.IsCost ? "above" : "below")} {Text(ratio.Bound)}");
        AnsiConsole.Write(table);
        var failures = Ratios.Zip(values).Where(pair => pair.First.IsFarOff(pair.Second)).ToArray();
        foreach (var (ratio, value) in failures)
        {
            Console.Error.WriteLine(
                $"The {ratio.Name}: the ratio to the bare limit is {Text(value)}, and the check fails "
                + $"{(ratio.IsCost ? "above" : "below")} {Text(ratio.Bound)}. Compare deploy/docs/speed.md with: dotnet run -c Release "
                + $"--project tests/ImageClassifier.Benchmarks -- {(ratio.IsCost ? "web" : "speed")}");
        }

        return failures.Length == 0 ? 0 : 1;
    }

    private static string Text(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>A ratio to the bare limit, and its goal.</summary>
    /// <param name="Name">What is compared.</param>
    /// <param name="Goal">The value to reach, over 3,000 pictures of a published build.</param>
    /// <param name="IsCost">True for the CPU time in bare limits, where less is better; false for the share of the bare
    /// limit that is reached.</param>
    private sealed record Ratio(string Name, double Goal, bool IsCost)
    {
        public double Bound => IsCost ? 2 * Goal : Goal / 2;

        public bool IsFarOff(double value) => IsCost ? value > Bound : value < Bound;
    }
}
