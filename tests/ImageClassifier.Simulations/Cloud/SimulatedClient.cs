using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Results;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Uploads.UploadProtocol;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>A client that uploads one batch and reads its events to the end, as the HTTP edge does. If the web tier is
/// down, it retries and resumes.</summary>
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
        foreach (var batchEvent in page.Events)
        {
            _after = batchEvent.Id;
            if (batchEvent.ReadJob() is { } job) _upload.Take(batchEvent.Id.Epoch, job, Context.System.Scheduler.Now);
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

/// <summary>One batch as its client sees it.</summary>
/// <param name="manifest">Its files.</param>
/// <param name="poison">The jobs whose picture kills nodes.</param>
/// <param name="undecodable">The jobs whose file is not a picture.</param>
/// <param name="finished">Called when the client has received the end event.</param>
internal sealed class Upload(
    BatchManifest manifest, IReadOnlySet<JobId> poison, IReadOnlySet<JobId> undecodable, Action finished)
{
    private readonly Lock _lock = new();
    private readonly List<ReceivedResult> _received = [];

    public BatchManifest Manifest { get; } = manifest;

    public BatchId Batch => Manifest.Batch;

    public IReadOnlySet<JobId> Poison { get; } = poison;

    public IReadOnlySet<JobId> Undecodable { get; } = undecodable;

    public bool IsCommitted { get; set; }

    public bool IsFinished { get; private set; }

    /// <summary>All results that the client has received, in order.</summary>
    public IReadOnlyList<ReceivedResult> Received
    {
        get
        {
            lock (_lock) return [.. _received];
        }
    }

    public void Take(string epoch, JobDocument result, DateTimeOffset at)
    {
        lock (_lock) _received.Add(new ReceivedResult(epoch, result, at));
    }

    public void Finish()
    {
        IsFinished = true;
        finished();
    }
}

/// <summary>A result that a client has received.</summary>
/// <param name="Epoch">The epoch of the batch's actor.</param>
/// <param name="Result">The result.</param>
/// <param name="At">When it arrived.</param>
internal sealed record ReceivedResult(string Epoch, JobDocument Result, DateTimeOffset At);
