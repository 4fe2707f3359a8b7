using System.Collections.Concurrent;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>Counts the requests to AWS. Each attempt counts, because each is paid.</summary>
public sealed class AwsRequestCounter
{
    private readonly ConcurrentDictionary<string, long> _counts = new();
    private long _messagesDone;

    /// <summary>The number of requests by operation: <c>SQS ReceiveMessage</c>, <c>S3 PUT</c>.</summary>
    public IReadOnlyDictionary<string, long> ByOperation => new SortedDictionary<string, long>(_counts);

    /// <summary>The number of requests to one service: <c>SQS</c>.</summary>
    public long Of(string service) => _counts
        .Where(count => count.Key.StartsWith($"{service} ", StringComparison.Ordinal))
        .Sum(count => count.Value);

    /// <summary>The number of deleted messages: the jobs that a node has done, or the messages with results that a web tier
    /// has taken.</summary>
    public long MessagesDone => Interlocked.Read(ref _messagesDone);

    internal void AddDone(int messages) => Interlocked.Add(ref _messagesDone, messages);

    internal void Add(string operation) => _counts.AddOrUpdate(operation, 1, static (_, count) => count + 1);
}
