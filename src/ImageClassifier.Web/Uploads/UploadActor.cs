using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;
using static ImageClassifier.Web.Uploads.UploadProtocol;

namespace ImageClassifier.Web.Uploads;

/// <summary>Commits uploads: stores the manifest, then hands the batch to the outbox. The commit goes on if its request
/// times out.</summary>
public sealed class UploadActor : ReceiveActor
{
    private readonly IObjectStore _store;
    private readonly IActorRef _outbox;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Creates the actor.</summary>
    public UploadActor(IObjectStore store, IActorRef outbox)
    {
        _store = store;
        _outbox = outbox;

        Receive<Commit>(OnCommit);
        Receive<ManifestStored>(OnManifestStored);
        Receive<ManifestFailed>(OnManifestFailed);
    }

    /// <inheritdoc />
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void OnCommit(Commit commit)
    {
        var caller = Sender;
        var manifest = commit.Manifest;
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
            ?? throw new IOException("The stored manifest is damaged, or a sweep has removed the upload as abandoned.");
    }

    private void OnManifestStored(ManifestStored stored)
    {
        var batch = stored.Manifest.Batch;
        // A manifest that existed before may have been sent long ago.
        OutboxProtocol.IOutboxCommand send = stored.IsNew
            ? new OutboxProtocol.SendBatch(stored.Manifest)
            : new OutboxProtocol.SendUnsent(batch);
        _outbox.Tell(send);
        stored.Caller.Tell(new Committed(stored.Manifest));
    }

    private void OnManifestFailed(ManifestFailed failed)
    {
        _log.Warning("Batch {Batch} is not accepted, because its manifest could not be stored: {Cause}",
            failed.Batch, failed.Cause.Message);
        failed.Caller.Tell(new CommitFailed(failed.Batch));
    }

    private sealed record ManifestStored(BatchManifest Manifest, bool IsNew, IActorRef Caller);

    private sealed record ManifestFailed(BatchId Batch, IActorRef Caller, Exception Cause);
}
