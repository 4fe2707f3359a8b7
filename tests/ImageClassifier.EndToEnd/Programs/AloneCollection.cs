using Xunit;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>Tests of times, memory and load, which must run while no other test runs.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
