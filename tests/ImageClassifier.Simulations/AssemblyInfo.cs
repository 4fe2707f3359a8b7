using Xunit;

// Each simulation waits until the threads of the process are at rest, so that two at once would wait for each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
