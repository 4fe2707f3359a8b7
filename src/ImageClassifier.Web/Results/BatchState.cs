using System.Security.Cryptography;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Repeats;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Web.Results;

/// <summary>The state of a live batch: its jobs, their results, and the events in the order in which results became
/// known. Memory is bounded by the batch: one event per job plus the end, and two more for each redriven job. The JSON of
/// an event is also the only copy of its result.</summary>
internal sealed class BatchState
{
    private const int EpochDigits = 8;

    private readonly Dictionary<JobId, ManifestJob> _accepted;
    private readonly Dictionary<JobId, KnownResult> _results = [];
    private readonly List<BatchEvent> _events = [];
    private readonly string _epoch = RandomNumberGenerator.GetHexString(EpochDigits, lowercase: true);
    private string? _latestModel;

    public BatchState(BatchManifest manifest, IEnumerable<JobResult> stored)
    {
        Manifest = manifest;
        _accepted = manifest.Accepted.ToDictionary(job => job.Job);
        foreach (var result in stored) Take(result);
    }

    /// <summary>The manifest.</summary>
    public BatchManifest Manifest { get; }

    /// <summary>When the batch was accepted.</summary>
    public DateTimeOffset SubmittedAt => Manifest.SubmittedAt;

    /// <summary>What the batch costs in jobs, against the limit of live jobs. Redrives add events beyond one per job
    /// and the end.</summary>
    public int Size => Math.Max(Manifest.Jobs.Count, _events.Count - 1);

    /// <summary>Whether every accepted job has its result.</summary>
    public bool Finished => _results.Count == _accepted.Count;

    /// <summary>Whether a job has no result yet that an earlier upload may give.</summary>
    public bool AwaitsRepeats => Manifest.Jobs.Any(job => job.RepeatOf is not null && !_results.ContainsKey(job.Job));

    /// <summary>The jobs that have their result.</summary>
    public IReadOnlyList<FinishedJob> FinishedJobs =>
        [.. Manifest.Accepted.Where(job => _results.ContainsKey(job.Job)).Select(job => FinishedJobOf(job.Job))];

    /// <summary>The number of jobs that a cancel ended.</summary>
    public int CancelledJobs => FinishedJobs.Count(job => job.Document.ErrorCode == JobErrorCodes.Cancelled);

    /// <summary>The store keys of results that cannot be replaced.</summary>
    public IReadOnlySet<string> FinalResults => _results
        .Where(result => result.Value.Status == JobStatus.Classified)
        .Select(result => ObjectKeys.Result(Manifest.Batch, result.Key))
        .ToHashSet();

    /// <summary>The results that later uploads of the same pictures can get; none if the batch has no scope for
    /// them.</summary>
    public IReadOnlyList<RepeatableBatch> Repeatable => Manifest.RepeatScope is not { } scope
        ? []
        :
        [
            .. from job in Manifest.Accepted
               where ModelReference.IsHash(job.Sha256)
               let model = _results.GetValueOrDefault(job.Job).RepeatableModel
               where model is not null
               group new RepeatablePicture(job.Job, job.Sha256!) by model into ofModel
               select new RepeatableBatch(Manifest.Batch, scope, ofModel.Key, [.. ofModel]),
        ];

    /// <summary>Adds a result. False if it is of another batch, or does not replace the known result. Only a failure
    /// can be replaced: by a classified result, or by a later attempt's. A replacement is a further event. If no job is
    /// unfinished, a further end event follows.</summary>
    public bool Take(JobResult result)
    {
        if (!_accepted.TryGetValue(result.Job, out var job)) return false;
        if (_results.TryGetValue(result.Job, out var known) && !Replaces(result, known)) return false;

        _results[result.Job] = new KnownResult(
            result.Status, result.Attempt, EventIndex: _events.Count, RepeatableModel(result));
        AddEvent(JobDocument.Of(job, result));
        if (Finished) AddEvent(null);
        return true;
    }

    /// <summary>A job that has its result.</summary>
    public FinishedJob FinishedJobOf(JobId job)
    {
        var known = _results[job];
        return new FinishedJob(_events[known.EventIndex].ReadJob()!, known.Attempt);
    }

    /// <summary>Whether <see cref="PageAfter"/> has events.</summary>
    public bool HasEventsAfter(EventId? after) => KnownAt(after) < _events.Count;

    /// <summary>The next events after a position; the first ones if the position is null or of another
    /// epoch.</summary>
    public EventPage PageAfter(EventId? after)
    {
        var known = KnownAt(after);
        var count = Math.Min(MaxPage, _events.Count - known);
        return new EventPage(_events.GetRange(known, count), Finished && known + count == _events.Count);
    }

    /// <summary>A page of the jobs.</summary>
    public BatchView View(int from) => new(
        Manifest.Batch, SubmittedAt, Manifest.Jobs.Count, [.. Manifest.Jobs.Skip(from).Take(MaxPage).Select(View)])
    {
        Callback = Manifest.Callback?.Events,
        Deadline = Manifest.Deadline,
    };

    private int KnownAt(EventId? after) =>
        after is { } id && id.Epoch == _epoch ? Math.Clamp(id.Number, 0, _events.Count) : 0;

    private static bool Replaces(JobResult result, KnownResult known) => known.Status == JobStatus.Failed
        && (result.Status == JobStatus.Classified || result.Attempt > known.Attempt);

    private JobDocument View(ManifestJob job) => _results.TryGetValue(job.Job, out var known)
        ? _events[known.EventIndex].ReadJob()!
        : JobDocument.Of(job, result: null);

    private void AddEvent(JobDocument? job)
    {
        var id = new EventId(_epoch, _events.Count + 1);
        _events.Add(new BatchEvent(id, IsEnd: job is null, EventDocument.Write(id, job)));
    }

    /// <summary>The model of a result that later uploads can get. A copy is not one, so each repeat leads to a result that a
    /// node gave.</summary>
    private string? RepeatableModel(JobResult result)
    {
        if (result is not { Status: JobStatus.Classified, Cached: not true, Model.Sha256: var model }) return null;
        if (!ModelReference.IsHash(model)) return null;
        // Most results of a batch have the same model, so they share its text.
        return _latestModel = model == _latestModel ? _latestModel : model;
    }

    private readonly record struct KnownResult(JobStatus Status, int Attempt, int EventIndex, string? RepeatableModel);
}
