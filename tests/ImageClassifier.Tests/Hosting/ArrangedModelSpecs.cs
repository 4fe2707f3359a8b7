using ImageClassifier.Core.Messages;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Hosting;
using ImageClassifier.Host.Models;
using ImageClassifier.Node.Tuning;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ImageClassifier.Tests.Hosting;

/// <summary>A real model in the arrangement that was measured for it.</summary>
public sealed class ArrangedModelSpecs : IDisposable
{
    private static readonly string[] OnEc2 = ["environment=aws", "aws.s3.bucket=my-bucket", "fleet.kind=ec2"];

    private readonly TemporaryFolder _folder = new();
    private readonly List<(int Threads, int MaxBatch)> _loaded = [];

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void A_machine_on_EC2_measures_at_its_start_and_the_next_start_uses_the_choice()
    {
        RunArrangement chosen;
        using (var first = Load(OnEc2))
        {
            chosen = first.Service.Node.Classification.Arrangement;
            Assert.True(chosen.PicturesPerSecond > 0);
            Assert.Equal(2, chosen.Classifiers * chosen.Threads);
            Assert.Equal((chosen.Threads, chosen.Batch), (first.Service.Model.Threads, first.Service.Model.MaxBatch));
            Assert.Equal(chosen.Batch, first.Classifier.PreferredBatchSize);
        }

        _loaded.Clear();
        using var second = Load(OnEc2);
        Assert.Equal(chosen, second.Service.Node.Classification.Arrangement);
        Assert.Equal(chosen.Batch, second.Classifier.PreferredBatchSize);
        Assert.True(second.IsMeasured);
        Assert.Single(_loaded);
    }

    [SkippableFact]
    public async Task A_child_process_measures_later_for_the_nodes_after_it()
    {
        ArrangementReport report;
        using (var first = Load([]))
        {
            Assert.Equal(new RunArrangement(1, 1, 4), first.Service.Node.Classification.Arrangement);
            Assert.False(first.IsMeasured);
            Assert.Single(_loaded);

            report = (await first.MeasureAsync(CancellationToken.None))!;
            Assert.All(report.Measured, measured => Assert.Equal((1, 1), (measured.Classifiers, measured.Threads)));
            Assert.Null(await first.MeasureAsync(CancellationToken.None));
        }

        using var second = Load([]);
        Assert.True(second.IsMeasured);
        Assert.Equal(report.Chosen, second.Service.Node.Classification.Arrangement);
    }

    [SkippableFact]
    public void Pinned_settings_are_not_measured()
    {
        using var model = Load([.. OnEc2, .. Pinned(classifiers: 1, threads: 2, batch: 3)]);

        Assert.True(model.IsMeasured);
        Assert.Equal(new RunArrangement(1, 2, 3), model.Service.Node.Classification.Arrangement);
        Assert.Equal(3, model.Classifier.PreferredBatchSize);
        Assert.Equal([(2, 3)], _loaded);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [SkippableFact]
    public void A_failed_measurement_leaves_the_default()
    {
        var parts = Parts();
        using var model = ArrangedModel.Load(
            Settings(OnEc2),
            parts with
            {
                LoadClassifier = (settings, arrangementOf) => arrangementOf is null
                    ? throw new InvalidOperationException("Memory is short.")
                    : parts.LoadClassifier(settings, arrangementOf),
            },
            Kept, NullLogger.Instance, cores: 2, CancellationToken.None);

        Assert.Equal(new RunArrangement(1, 2, 4), model.Service.Node.Classification.Arrangement);
        Assert.Equal(4, model.Classifier.PreferredBatchSize);
    }

    [SkippableFact]
    public void A_machine_without_memory_for_a_second_model_does_not_measure()
    {
        using var model = ArrangedModel.Load(
            Settings(OnEc2), Parts() with { IsMemoryShort = () => true }, Kept, NullLogger.Instance, cores: 2,
            CancellationToken.None);

        Assert.Equal(new RunArrangement(1, 2, 4), model.Service.Node.Classification.Arrangement);
        Assert.Single(_loaded);
    }

    [SkippableFact]
    public async Task A_measurement_that_hangs_does_not_keep_the_process()
    {
        using var ended = new ManualResetEventSlim();
        var parts = Parts();
        var model = ArrangedModel.Load(
            Settings(["node.classification.timeout=100ms"]),
            parts with
            {
                LoadClassifier = (settings, arrangementOf) =>
                {
                    if (arrangementOf is not null) return parts.LoadClassifier(settings, arrangementOf);
                    ended.Wait();
                    throw new InvalidOperationException("The test has ended.");
                },
            },
            Kept, NullLogger.Instance, cores: 2, CancellationToken.None);
        var measuring = model.MeasureAsync(CancellationToken.None);
        model.Dispose();

        Assert.False(measuring.IsCompleted);
        ended.Set();
        await Assert.ThrowsAsync<InvalidOperationException>(() => measuring);
    }

    private KeptArrangements Kept => new(Path.Combine(_folder.Path, "kept"), "1.2.3");

    private ArrangedModel Load(string[] settings) =>
        ArrangedModel.Load(Settings(settings), Parts(), Kept, NullLogger.Instance, cores: 2, CancellationToken.None);

    private NodeParts Parts()
    {
        var parts = NodeParts.Create();
        return parts with
        {
            IsMemoryShort = () => false,
            LoadClassifier = (settings, arrangementOf) =>
            {
                _loaded.Add((settings.Threads, settings.MaxBatch));
                return parts.LoadClassifier(settings, arrangementOf);
            },
        };
    }

    private static string[] Pinned(int classifiers, int threads, int batch) =>
    [
        $"node.classification.classifiers={classifiers}",
        $"node.classification.threads={threads}",
        $"node.classification.max-batch={batch}",
    ];

    private static ServiceSettings Settings(string[] settings) => ServiceSettings.Load(
        ProgramRole.Node,
        Sources.Set(
        [
            $"image-classifier.node.classification.model={SmallModel.Folder}",
            .. settings.Select(setting => $"image-classifier.{setting}"),
        ]));
}
