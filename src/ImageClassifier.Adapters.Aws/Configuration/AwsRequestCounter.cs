using System.Collections.Concurrent;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>Counts the requests that go to AWS, each attempt for itself, because each is paid for.</summary>
public sealed class AwsRequestCounter
{
    private readonly ConcurrentDictionary<string, long> _counts = new();
    private long _messagesDone;

    /// <summary>The requests so far by operation: <c>SQS ReceiveMessage</c>, <c>S3 PUT</c>.</summary>
    public IReadOnlyDictionary<string, long> ByOperation => new SortedDictionary<string, long>(_counts);

    /// <summary>The requests of one service so far: <c>SQS</c>.</summary>
    public long Of(string service) => _counts
        .Where(count => count.Key.StartsWith($"{service} ", StringComparison.Ordinal))
        .Sum(count => count.Value);

    /// <summary>How many messages of the queues were deleted: the jobs that a node has done, the results that a web
    /// tier has taken.</summary>
    public long MessagesDone => Interlocked.Read(ref _messagesDone);

    internal void AddDone(int messages) => Interlocked.Add(ref _messagesDone, messages);

    internal void Add(string operation) => _counts.AddOrUpdate(operation, 1, static (_, count) => count + 1);
}
