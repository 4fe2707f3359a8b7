using ImageClassifier.Core.Messages;
using ImageClassifier.Node.Tuning;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Embedded;
using Xunit;

namespace ImageClassifier.Tests.Node.Tuning;

public sealed class ArrangementMeasurementSpecs
{
    private static readonly ArrangementSettings TwoCores = new(null, null, null, Cores: 2);

    private readonly MovableTime _time = new();
    private readonly List<FakeImageClassifier> _opened = [];

    [Fact]
    public void Small_runs_side_by_side_win_where_threads_gain_nothing()
    {
        // A second thread saves a tenth. A batch saves nothing.
        var report = Measure(TwoCores, (threads, batch) => (threads == 1 ? 10 : 9) * batch);

        Assert.Equal((2, 1, 1), Shape(report!.Chosen));
        Assert.Equal(200, report.Chosen.PicturesPerSecond);
        Assert.Equal([(1, 2, 1), (1, 2, 2), (2, 1, 1), (2, 1, 2)], report.Measured.Select(Shape));
    }

    [Fact]
    public void One_run_of_many_threads_wins_where_threads_save_more()
    {
        var report = Measure(TwoCores, (threads, batch) => (threads == 1 ? 10 : 4) * batch);

        Assert.Equal((1, 2, 1), Shape(report!.Chosen));
        Assert.Equal(250, report.Chosen.PicturesPerSecond);
    }

    [Fact]
    public void Batches_grow_while_each_is_worth_it()
    {
        // Each run costs 4 ms, and each picture of it 1 ms, up to a batch of 8. Then memory is short.
        var report = Measure(
            new ArrangementSettings(1, 1, null, Cores: 1), (_, batch) => batch > 8 ? 10 * batch : 4 + batch);

        Assert.Equal([1, 2, 4, 8, 16], report!.Measured.Select(measured => measured.Batch));
        Assert.Equal(8, report.Chosen.Batch);
    }

    [Fact]
    public void A_gain_within_the_error_of_measurement_does_not_justify_a_larger_batch()
    {
        var report = Measure(
            new ArrangementSettings(1, 1, null, Cores: 1), (_, batch) => batch == 1 ? 10 : 9.8 * batch);

        Assert.Equal([1, 2], report!.Measured.Select(measured => measured.Batch));
        Assert.Equal(1, report.Chosen.Batch);
    }

    [Fact]
    public void Ties_go_to_the_smaller_batch_and_then_to_fewer_threads()
    {
        RunArrangement[] measured =
        [
            new(1, 4, 1) { PicturesPerSecond = 100 },
            new(2, 2, 1) { PicturesPerSecond = 98 },
            new(4, 1, 1) { PicturesPerSecond = 96 },
            new(4, 1, 8) { PicturesPerSecond = 100.5 },
        ];

        Assert.Equal((2, 2, 1), Shape(new ArrangementReport(measured, TimeSpan.Zero).Chosen));
    }

    [Fact]
    public void The_fastest_of_several_runs_counts()
    {
        var runs = 0;
        var report = Measure(
            new ArrangementSettings(1, 1, null, Cores: 1), (_, batch) => batch == 1 && ++runs != 4 ? 50 : 10);

        Assert.Equal(100, report!.Measured[0].PicturesPerSecond);
    }

    [Fact]
    public void A_single_possible_arrangement_is_not_measured()
    {
        Assert.Null(Measure(new ArrangementSettings(1, 1, null, Cores: 1), (_, _) => 10, modelTakes: 1));
        Assert.Null(Measure(new ArrangementSettings(2, 1, 4, Cores: 2), (_, _) => 10));

        Assert.All(_opened, model => Assert.Empty(model.Batches));
    }

    [Fact]
    public void A_slow_model_is_measured_in_the_default_shape_until_the_time_is_up()
    {
        var report = Measure(new ArrangementSettings(null, null, null, Cores: 8), (_, batch) => 300 * batch);

        // A run that is not timed, and three that are.
        Assert.Equal([(1, 8, 1)], report!.Measured.Select(Shape));
        Assert.InRange(report.Took, ArrangementMeasurement.Budget, TimeSpan.FromSeconds(1.5));
    }

    [Fact]
    public void A_cancellation_ends_it_and_unloads_the_models()
    {
        using var cancellation = new CancellationTokenSource();

        Assert.Throws<OperationCanceledException>(() => Measure(
            TwoCores,
            (_, _) =>
            {
                cancellation.Cancel();
                return 10;
            },
            cancellation: cancellation.Token));
        Assert.All(_opened, model => Assert.True(model is { IsDisposed: true, Undisposed: 0 }));
    }

    [Fact]
    public void A_failed_run_ends_it_and_unloads_the_models()
    {
        Assert.Throws<InvalidOperationException>(
            () => Measure(TwoCores, (_, _) => throw new InvalidOperationException("Out of memory.")));
        Assert.All(_opened, model => Assert.True(model is { IsDisposed: true, Undisposed: 0 }));
    }

    [Fact]
    public void The_report_has_all_figures()
    {
        var report = Measure(TwoCores, (threads, batch) => (threads == 1 ? 10 : 9) * batch)!;

        Assert.Contains("2 x 1 x 1: 200/s is best", report.ToString(), StringComparison.Ordinal);
        Assert.Contains("1 x 2 x 1: 111.1/s", report.ToString(), StringComparison.Ordinal);
        Assert.All(_opened, model => Assert.True(model is { IsDisposed: true, Undisposed: 0 }));
    }

    /// <summary>Measures a model whose runs take a time in milliseconds for a number of threads and a batch.</summary>
    private ArrangementReport? Measure(
        ArrangementSettings settings, Func<int, int, double> milliseconds, int modelTakes = 16,
        CancellationToken cancellation = default) =>
        new ArrangementMeasurement(threads => Open(settings, threads, modelTakes, milliseconds), _time)
            .Run(settings, cancellation);

    private FakeImageClassifier Open(
        ArrangementSettings settings, int threads, int modelTakes, Func<int, int, double> milliseconds)
    {
        var together = settings.Classifiers ?? settings.Cores / threads;
        var model = new FakeImageClassifier(modelTakes)
        {
            // Runs at the same time share the clock, so each lets its part of the time pass.
            WhileClassifying = pictures =>
                _time.Pass(TimeSpan.FromMilliseconds(milliseconds(threads, pictures.Count) / together)),
        };
        _opened.Add(model);
        return model;
    }

    private static (int Classifiers, int Threads, int Batch) Shape(RunArrangement arrangement) =>
        (arrangement.Classifiers, arrangement.Threads, arrangement.Batch);
}
