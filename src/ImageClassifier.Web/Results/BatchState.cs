using System.Security.Cryptography;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Uploads;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>What a batch's actor knows: its jobs, their results, and the events in the order in which they became
/// known. Memory is bounded by the batch: at most one event a job, and one more; and those two again for each job that is
/// redriven by hand.</summary>
internal sealed class BatchState
{
    private const int EpochDigits = 8;

    private readonly Dictionary<JobId, ManifestJob> _accepted;
    private readonly Dictionary<JobId, JobResult> _results = [];
    private readonly List<BatchEvent> _events = [];
    private readonly string _epoch = RandomNumberGenerator.GetHexString(EpochDigits, lowercase: true);

    public BatchState(BatchManifest manifest, IEnumerable<JobResult> stored)
    {
        Manifest = manifest;
        _accepted = manifest.Accepted.ToDictionary(job => job.Job);
        foreach (var result in stored) Take(result);
    }

    /// <summary>What was uploaded.</summary>
    public BatchManifest Manifest { get; }

    /// <summary>When the batch was accepted.</summary>
    public DateTimeOffset SubmittedAt => Manifest.SubmittedAt;

    /// <summary>What the batch costs of the memory for live batches, in jobs. Redrives add events beyond one a job and the
    /// end.</summary>
    public int Size => Math.Max(Manifest.Jobs.Count, _events.Count - 1);

    /// <summary>Whether every accepted job has its result.</summary>
    public bool Finished => _results.Count == _accepted.Count;

    /// <summary>Where the results are that no other can replace.</summary>
    public IReadOnlySet<string> FinalResults => _results.Values
        .Where(result => result.Status == JobStatus.Classified)
        .Select(result => ObjectKeys.Result(result.Batch, result.Job))
        .ToHashSet();

    /// <summary>Takes a result; false where one is known that it does not replace, or it is of no job of this batch. Only
    /// what failed is replaced, by a classified result or by a later attempt's: that is a further event, and where no job is
    /// left to wait for, a further end.</summary>
    public bool Take(JobResult result)
    {
        if (!_accepted.TryGetValue(result.Job, out var job)) return false;
        if (_results.TryGetValue(result.Job, out var known) && !Replaces(result, known)) return false;

        _results[result.Job] = result;
        AddEvent(View(job));
        if (Finished) AddEvent(null);
        return true;
    }

    /// <summary>The events after a place; all where the place is of another epoch or is none.</summary>
    public IReadOnlyList<BatchEvent> EventsAfter(EventId? after)
    {
        var known = after is { } id && id.Epoch == _epoch ? Math.Clamp(id.Number, 0, _events.Count) : 0;
        return _events.GetRange(known, _events.Count - known);
    }

    public BatchView View() => new(Manifest.Batch, SubmittedAt, [.. Manifest.Jobs.Select(View)]);

    private static bool Replaces(JobResult result, JobResult known) =>
        result.Supersedes(known) || (known.Status == JobStatus.Failed && result.Status == JobStatus.Classified);

    private JobView View(ManifestJob job)
    {
        var result = _results.GetValueOrDefault(job.Job);
        var status = job.Refusal is not null ? JobStatus.Rejected : result?.Status ?? JobStatus.Queued;
        return new JobView(job.Job, job.FileName, job.ImageKey, status, job.Refusal, result);
    }

    private void AddEvent(JobView? job) => _events.Add(new BatchEvent(new EventId(_epoch, _events.Count + 1), job));
}
