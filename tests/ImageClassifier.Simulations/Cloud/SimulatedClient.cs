using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Uploads.UploadProtocol;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>A client that uploads one batch and reads its events to the end, as the HTTP edge does for one. Where the
/// web tier is gone it comes back, and resumes.</summary>
internal sealed class SimulatedClient : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly SimulatedWebTier _tier;
    private readonly Upload _upload;
    private EventId? _after;

    public SimulatedClient(SimulatedWebTier tier, Upload upload)
    {
        _tier = tier;
        _upload = upload;

        Receive<Committed>(_ =>
        {
            _upload.IsCommitted = true;
            Ask();
        });
        Receive<CommitFailed>(_ => AskLater());
        Receive<EventPage>(OnPage);
        Receive<IBatchAnswer>(_ => AskLater());
        Receive<AskAgain>(_ => Ask());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Ask();

    private void Ask()
    {
        object question = _upload.IsCommitted
            ? new ReadEvents(_upload.Batch, _after, Heartbeat)
            : new Commit(_upload.Manifest);
        _tier.Address.Tell(question, Self);
        Timers.StartSingleTimer(nameof(AskAgain), AskAgain.Instance, Patience);
    }

    private void AskLater() => Timers.StartSingleTimer(nameof(AskAgain), AskAgain.Instance, Pause);

    private void OnPage(EventPage page)
    {
        foreach (var news in page.Events)
        {
            _after = news.Id;
            if (news.Job is { } job) _upload.Take(news.Id.Epoch, job.Result!, Context.System.Scheduler.Now);
        }

        if (page.Finished)
        {
            _upload.Finish();
            Context.Stop(Self);
            return;
        }

        Ask();
    }

    private sealed record AskAgain
    {
        public static AskAgain Instance { get; } = new();
    }
}

/// <summary>One batch from its client's side.</summary>
/// <param name="manifest">What it brings.</param>
/// <param name="poison">Those of its jobs whose picture kills nodes.</param>
/// <param name="undecodable">Those of its jobs whose picture is none.</param>
/// <param name="finished">Called when the client has seen the end of it.</param>
internal sealed class Upload(
    BatchManifest manifest, IReadOnlySet<JobId> poison, IReadOnlySet<JobId> undecodable, Action finished)
{
    private readonly Lock _lock = new();
    private readonly List<SeenResult> _seen = [];

    public BatchManifest Manifest { get; } = manifest;

    public BatchId Batch => Manifest.Batch;

    public IReadOnlySet<JobId> Poison { get; } = poison;

    public IReadOnlySet<JobId> Undecodable { get; } = undecodable;

    public bool IsCommitted { get; set; }

    public bool IsFinished { get; private set; }

    /// <summary>All that the client was told, in order.</summary>
    public IReadOnlyList<SeenResult> Seen
    {
        get
        {
            lock (_lock) return [.. _seen];
        }
    }

    public void Take(string epoch, JobResult result, DateTimeOffset at)
    {
        lock (_lock) _seen.Add(new SeenResult(epoch, result, at));
    }

    public void Finish()
    {
        IsFinished = true;
        finished();
    }
}

/// <summary>A result as a client was told of it.</summary>
/// <param name="Epoch">The life of the batch's actor that told.</param>
/// <param name="Result">The result.</param>
/// <param name="At">When.</param>
internal sealed record SeenResult(string Epoch, JobResult Result, DateTimeOffset At);
