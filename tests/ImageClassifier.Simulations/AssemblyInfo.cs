using Xunit;

// A simulation waits until all threads of the process are idle, so two at once would wait for each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
