// Each test runs a whole service with its nodes; two at once would make each other late on a small machine.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
[assembly: System.Runtime.CompilerServices.InternalsVisibleTo("ImageClassifier.Benchmarks")]
