// Each test runs a whole service, which mostly waits for its own processes. Two at once use two cores best.
[assembly: Xunit.CollectionBehavior(MaxParallelThreads = 2)]
[assembly: System.Runtime.CompilerServices.InternalsVisibleTo("ImageClassifier.Benchmarks")]
