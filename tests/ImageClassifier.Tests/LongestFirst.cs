using ImageClassifier.Tests.Aws.Deploy;
using ImageClassifier.Tests.Aws.Emulator;
using ImageClassifier.Tests.Simulator;
using Xunit;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer("ImageClassifier.Tests.LongestFirst", "ImageClassifier.Tests")]

namespace ImageClassifier.Tests;

/// <summary>Starts the collections that take a minute or more before all others. Otherwise the order is random, and one of
/// them may run alone at the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest = [nameof(DeploySpecs), nameof(PolicyComparisonSpecs), EmulatedAws.Name];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderByDescending(
            collection => Longest.Any(name => collection.DisplayName.EndsWith(name, StringComparison.Ordinal)));
}
