using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;
using static ImageClassifier.Web.Uploads.UploadProtocol;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// Admits uploads and commits them. Pictures do not pass through the actor: between <see cref="Admit"/> and
/// <see cref="Commit"/>, the request's own task streams them into the store. A sweep removes uploads that never commit,
/// with their pictures.
/// </summary>
public sealed class UploadActor : ReceiveActor, IWithTimers
{
    private readonly IObjectStore _store;
    private readonly IActorRef _outbox;
    private readonly UploadSettings _settings;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>The slots in use, with the batch of each.</summary>
    private readonly Dictionary<BatchId, BatchId> _slots = [];

    /// <summary>Batches whose manifest is being written. Their request may have timed out.</summary>
    private readonly HashSet<BatchId> _committing = [];

    /// <summary>Batches that a sweep is removing.</summary>
    private readonly HashSet<BatchId> _removing = [];
    private BatchId? _sweepCursor;
    private readonly LinkedList<(BatchId Batch, IActorRef Caller)> _waiting = [];

    /// <summary>Creates the actor.</summary>
    public UploadActor(IObjectStore store, IActorRef outbox, UploadSettings settings)
    {
        _store = store;
        _outbox = outbox;
        _settings = settings;

        Receive<Admit>(OnAdmit);
        Receive<ResumeBatch>(OnResume);
        Receive<Release>(release => OnRelease(release.Slot));
        Receive<Commit>(OnCommit);
        Receive<ManifestStored>(OnManifestStored);
        Receive<ManifestFailed>(OnManifestFailed);
        Receive<Sweep>(_ => OnSweep());
        Receive<AbandonedUploadsFound>(OnAbandonedFound);
        Receive<SweepFinished>(OnSweepFinished);
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() =>
        Timers.StartSingleTimer(nameof(Sweep), Sweep.Instance, _settings.SweepInterval);

    /// <inheritdoc />
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void OnAdmit(Admit admit)
    {
        if (_slots.Count < _settings.MaxConcurrent)
            Grant(admit.Batch, Sender);
        else if (_waiting.Count < _settings.MaxWaiting)
            _waiting.AddLast((admit.Batch, Sender));
        else
            Sender.Tell(new Overloaded(_settings.RetryAfter));
    }

    private void OnResume(ResumeBatch resume)
    {
        if (IsUnderWay(resume.Batch) || !_slots.ContainsKey(resume.Slot))
        {
            Sender.Tell(new UnderWay(_settings.RetryAfter));
            return;
        }

        _slots[resume.Slot] = resume.Batch;
        Sender.Tell(Admitted.Instance);
    }

    private bool IsUnderWay(BatchId batch) =>
        _slots.ContainsValue(batch) || _committing.Contains(batch) || _removing.Contains(batch);

    private void OnRelease(BatchId slot)
    {
        if (!_slots.Remove(slot))
        {
            for (var node = _waiting.First; node is not null; node = node.Next)
            {
                if (node.Value.Batch != slot) continue;
                _waiting.Remove(node);
                return;
            }
        }

        while (_slots.Count < _settings.MaxConcurrent && _waiting.First is { } next)
        {
            _waiting.RemoveFirst();
            Grant(next.Value.Batch, next.Value.Caller);
        }
    }

    private void Grant(BatchId batch, IActorRef caller)
    {
        _slots.Add(batch, batch);
        caller.Tell(Admitted.Instance);
    }

    private void OnCommit(Commit commit)
    {
        var caller = Sender;
        var manifest = commit.Manifest;
        _committing.Add(manifest.Batch);
        StoreAsync(manifest, _stopping.Token).PipeTo(
            Self,
            success: stored => new ManifestStored(stored, IsNew: ReferenceEquals(stored, manifest), caller),
            failure: cause => new ManifestFailed(manifest.Batch, caller, cause));
    }

    /// <summary>Stores the manifest, or returns the stored one: an accepted batch never changes.</summary>
    private async Task<BatchManifest> StoreAsync(BatchManifest manifest, CancellationToken cancellation)
    {
        var key = ObjectKeys.Manifest(manifest.Batch);
        if (await _store.PutIfAbsentAsync(key, WireJson.WriteUtf8(manifest), cancellation)) return manifest;
        return (await _store.ReadDocumentAsync<BatchManifest>(key, cancellation)).OrNull
            ?? throw new IOException("The stored manifest is missing or damaged.");
    }

    private void OnManifestStored(ManifestStored stored)
    {
        var batch = stored.Manifest.Batch;
        _committing.Remove(batch);
        // A manifest that existed before may have been sent long ago.
        OutboxProtocol.IOutboxCommand send = stored.IsNew
            ? new OutboxProtocol.SendBatch(stored.Manifest)
            : new OutboxProtocol.SendUnsent(batch);
        _outbox.Tell(send);
        stored.Caller.Tell(new Committed(stored.Manifest));
    }

    private void OnManifestFailed(ManifestFailed failed)
    {
        _committing.Remove(failed.Batch);
        _log.Warning("Batch {Batch} is not accepted, because its manifest could not be stored: {Cause}",
            failed.Batch, failed.Cause.Message);
        failed.Caller.Tell(new CommitFailed(failed.Batch));
    }

    private void OnSweep() =>
        new AbandonedUploads(_store, _settings.AbandonedAfter)
            .FindAsync(Context.System.Scheduler.Now, _sweepCursor, _stopping.Token)
            .PipeTo(
                Self,
                success: found => new AbandonedUploadsFound(found.Batches, found.Next),
                failure: cause => new SweepFinished(0, cause));

    /// <summary>Removes the abandoned uploads. Until that is done, no upload can resume one of them.</summary>
    private void OnAbandonedFound(AbandonedUploadsFound found)
    {
        _sweepCursor = found.Next;
        var abandoned = found.Batches.Where(batch => !IsUnderWay(batch)).ToArray();
        _removing.UnionWith(abandoned);
        new AbandonedUploads(_store, _settings.AbandonedAfter).CleanUpAsync(abandoned, _stopping.Token).PipeTo(
            Self,
            success: cleaned => new SweepFinished(cleaned, null),
            failure: cause => new SweepFinished(0, cause));
    }

    private void OnSweepFinished(SweepFinished finished)
    {
        _removing.Clear();
        if (finished.Cause is { } cause)
            _log.Warning("The sweep of abandoned uploads failed; the next one tries again: {Cause}", cause.Message);
        else if (finished.Cleaned > 0)
            _log.Info("Removed {Count} abandoned uploads", finished.Cleaned);

        Timers.StartSingleTimer(nameof(Sweep), Sweep.Instance, _settings.SweepInterval);
    }

    private sealed record ManifestStored(BatchManifest Manifest, bool IsNew, IActorRef Caller);

    private sealed record ManifestFailed(BatchId Batch, IActorRef Caller, Exception Cause);

    private sealed record AbandonedUploadsFound(IReadOnlyList<BatchId> Batches, BatchId? Next);

    private sealed record SweepFinished(int Cleaned, Exception? Cause);

    private sealed record Sweep
    {
        public static Sweep Instance { get; } = new();
    }
}
