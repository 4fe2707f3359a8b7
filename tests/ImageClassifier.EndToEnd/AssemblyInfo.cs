// Each test runs a whole service with its nodes. Two at once would be too slow on a small machine.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
[assembly: System.Runtime.CompilerServices.InternalsVisibleTo("ImageClassifier.Benchmarks")]
