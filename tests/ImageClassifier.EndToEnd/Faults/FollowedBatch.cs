using System.Collections.Concurrent;
using System.Text.Json;
using Xunit;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>An accepted batch, as its client sees it.</summary>
internal sealed class FollowedBatch
{
    private readonly ConcurrentDictionary<string, JsonElement> _results = new();
    private readonly HashSet<(string Epoch, string Job)> _events = [];

    /// <param name="accepted">The body of the 202 answer.</param>
    public FollowedBatch(JsonElement accepted)
    {
        Id = accepted.GetProperty("batchId").GetString()!;
        Jobs = accepted.GetProperty("jobs").EnumerateArray()
            .Where(job => job.GetProperty("status").GetString() != "rejected")
            .Select(IdOf)
            .ToHashSet();
    }

    /// <summary>The same batch for a second client.</summary>
    public FollowedBatch(FollowedBatch other) => (Id, Jobs) = (other.Id, other.Jobs);

    public string Id { get; }

    /// <summary>The ids of its accepted jobs.</summary>
    public IReadOnlySet<string> Jobs { get; }

    /// <summary>The results that its client has received, by job.</summary>
    public IReadOnlyDictionary<string, JsonElement> Results => _results;

    /// <summary>Records a result event. Within one epoch no job comes twice. In another epoch a repeat must be
    /// equal.</summary>
    public void RecordResult(string eventId, JsonElement job)
    {
        var id = IdOf(job);
        Assert.Contains(id, Jobs);
        var epoch = eventId[..eventId.LastIndexOf('-')];
        Assert.True(_events.Add((epoch, id)), $"Job {id} was reported twice within epoch {epoch} of batch {Id}.");
        if (!_results.TryAdd(id, job)) AssertSame(id, job);
    }

    /// <summary>Asserts that another source gives the same result of a job as the client received.</summary>
    public void AssertSame(string id, JsonElement job) =>
        Assert.True(JsonElement.DeepEquals(_results[id], job), $"First there was {_results[id]}, then {job}");

    private static string IdOf(JsonElement job) => job.GetProperty("jobId").GetString()!;
}
