using ImageClassifier.Host.Configuration;
using ImageClassifier.Simulator.Baselines;
using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using ImageClassifier.Simulator.Reports;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Simulator;

/// <summary>The promises of the latency policy against the others, on the loads of deploy/docs/scaling.md.</summary>
public sealed class PolicyComparisonSpecs
{
    public static TheoryData<string> Loads => [.. PolicyComparison.StandardLoads];

    [Theory]
    [MemberData(nameof(Loads))]
    public void The_latency_policy_comes_near_an_oracle_and_no_other_is_better_as_the_document_says(string load)
    {
        var settings = Sources.Set(
            "image-classifier.environment=aws",
            "image-classifier.scaling.max-instances=30",
            "image-classifier.scaling.latency.service-time=400ms");
        var model = SimulationModel.Create(ProgramSettings.Load(settings));
        var compared = PolicyComparison.Run(model, Load.Parse("--load", load), seed: 1);

        var document = File.ReadAllLines(Path.Combine(Repository.Root, "deploy", "docs", "scaling.md"));
        Assert.All(
            PolicyComparison.ToMarkdown([compared]).Split('\n', StringSplitOptions.RemoveEmptyEntries),
            row => Assert.Contains(row, document));

        var (latency, oracle) = (compared.Latency, compared.Oracle);
        Assert.InRange(compared.SecondsOf(latency), 0, compared.SecondsOf(oracle) * 1.10);
        Assert.InRange(latency.InstanceHours, 0, oracle.InstanceHours * 1.15);
        foreach (var other in (SimulationReport[])[compared.PerImage, compared.TargetTracking])
        {
            var (slower, dearer) = (
                compared.SecondsOf(latency) > compared.SecondsOf(other), latency.InstanceHours > other.InstanceHours);
            var (faster, cheaper) = (
                compared.SecondsOf(latency) < compared.SecondsOf(other), latency.InstanceHours < other.InstanceHours);
            Assert.False(
                (slower && !cheaper) || (dearer && !faster), "another policy is better in one and no worse in the other");
        }
    }
}
