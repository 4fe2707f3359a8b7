using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Tests.Web.Models;
using ImageClassifier.Web.Scaling;
using Xunit;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Tests.Web.Scaling;

public sealed class ModelTallySpecs
{
    private static readonly DateTimeOffset At = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
    private readonly ModelTally _tally = new();

    [Fact]
    public void It_adds_up_the_results_of_each_model_since_the_first()
    {
        var model = Model("a");
        Add(model, jobs: 3, failed: 1, confidence: 1.5);
        Add(Model("b"), jobs: 1, failed: 0, confidence: 1);
        Add(model, jobs: 2, failed: 0, confidence: 0.5, after: TimeSpan.FromMinutes(1));
        Assert.Equal(
            [new ModelFigures(model, At, 4, 1, 2), new ModelFigures(Model("b"), At, 1, 0, 1)], _tally.Latest);
    }

    [Fact]
    public void Models_of_one_name_with_different_files_are_counted_apart()
    {
        Add(Model("a"), jobs: 1);
        Add(Model("a") with { Sha256 = Model("b").Sha256 }, jobs: 1);
        Assert.Equal(2, _tally.Latest.Count);
    }

    [Fact]
    public void Results_without_a_model_are_left_out()
    {
        _tally.Add(new JobsDone(InstanceId.Parse("node-1"), 3) { Failed = 3 }, At);
        Assert.Empty(_tally.Latest);
    }

    [Fact]
    public void It_keeps_the_twenty_models_that_were_used_last()
    {
        for (var i = 0; i < 20; i++) Add(Model($"model-{i}"), jobs: 1);
        Add(Model("model-0"), jobs: 1);
        Add(Model("model-20"), jobs: 1);
        Assert.Equal(20, _tally.Latest.Count);
        Assert.Equal(["model-20", "model-0", "model-19"], _tally.Latest.Take(3).Select(figures => figures.Model.Name));
        Assert.DoesNotContain(_tally.Latest, figures => figures.Model.Name == "model-1");
    }

    private static ModelIdentity Model(string name) => TestRegistry.Identity(TestRegistry.Model(name));

    private void Add(
        ModelIdentity model, int jobs, int failed = 0, double confidence = 0, TimeSpan after = default) =>
        _tally.Add(
            new JobsDone(InstanceId.Parse("node-1"), jobs)
            {
                Model = model,
                Failed = failed,
                ConfidenceSum = confidence,
            },
            At + after);
}
