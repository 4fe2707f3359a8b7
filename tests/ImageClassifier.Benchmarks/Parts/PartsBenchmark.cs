using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using BenchmarkDotNet.Validators;

namespace ImageClassifier.Benchmarks.Parts;

/// <summary>Time and allocations of each part of a picture's trip alone, by BenchmarkDotNet.</summary>
internal static class PartsBenchmark
{
    private static readonly Type[] Parts =
        [typeof(ModelParts), typeof(DocumentParts), typeof(QueueParts), typeof(UploadParts)];

    /// <summary>Runs the benchmarks and prints their table.</summary>
    /// <returns>The exit code.</returns>
    public static int Run()
    {
        var artifacts = Directory.CreateTempSubdirectory("image-classifier-parts-").FullName;
        try
        {
            var config = ManualConfig.CreateEmpty()
                // In this process. For a process of its own, BenchmarkDotNet would build this whole solution once more.
                .AddJob(Job.ShortRun.WithToolchain(new InProcessEmitToolchain(logOutput: true)))
                .AddDiagnoser(MemoryDiagnoser.Default)
                .AddColumnProvider(DefaultColumnProviders.Instance)
                .HideColumns(Column.Type, Column.StdDev, Column.Gen0, Column.Gen1, Column.Gen2)
                .AddValidator(JitOptimizationsValidator.FailOnError)
                .AddLogger(ConsoleLogger.Default)
                .WithOptions(ConfigOptions.JoinSummary | ConfigOptions.DisableLogFile)
                .WithArtifactsPath(artifacts);
            var summaries = BenchmarkRunner.Run(Parts, config);
            var isWhole = summaries.All(summary =>
                !summary.HasCriticalValidationErrors && summary.Reports.All(report => report.Success));
            return isWhole ? 0 : 1;
        }
        finally
        {
            Directory.Delete(artifacts, recursive: true);
        }
    }
}
