using System.Text;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Results;

namespace ImageClassifier.Web.Uploads;

/// <summary>The outbox in the store: open markers, manifests, results, and the marks of sent batches.</summary>
internal sealed class StoredOutbox(IObjectStore store, TimeProvider time)
{
    private readonly BatchClosing _closing = new(store, new BatchCallbacks(store, time).AddMissingAsync);

    /// <summary>Lists the unfinished batches. Some may have no manifest.</summary>
    public async Task<IReadOnlyList<BatchId>> FindOpenAsync(CancellationToken cancellation)
    {
        var open = new List<BatchId>();
        await foreach (var found in store.ListOpenAsync(after: null, cancellation).ConfigureAwait(false))
        {
            if (!found.IsDeleting) open.Add(found.Batch);
        }

        return open;
    }

    /// <summary>Loads the jobs of a batch whose messages may be missing on the queue. Closes the batch if it is
    /// finished.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="queue">The identity of the queue's contents: messages sent to other contents are lost. Null for a
    /// queue that loses nothing.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task<OutboxRead> LoadUnsentAsync(BatchId batch, string? queue, CancellationToken cancellation)
    {
        var open = await LoadOpenAsync(batch, cancellation).ConfigureAwait(false);
        if (open is not OutboxRead.Open { Unfinished: var unfinished }) return open;
        if (unfinished.IsStopped) return new OutboxRead.Nothing();
        var sentTo = await ReadSentMarkAsync(batch, cancellation).ConfigureAwait(false);
        return sentTo is not null && (queue is null || sentTo == queue) ? new OutboxRead.Nothing() : open;
    }

    /// <summary>Loads the unfinished jobs of a batch. Closes the batch if it is finished.</summary>
    public async Task<OutboxRead> LoadOpenAsync(BatchId batch, CancellationToken cancellation)
    {
        switch (await store.ReadDocumentAsync<BatchManifest>(ObjectKeys.Manifest(batch), cancellation)
            .ConfigureAwait(false))
        {
            case DocumentRead<BatchManifest>.Found { Document: var manifest }:
                return await _closing.CloseIfDoneAsync(manifest, cancellation).ConfigureAwait(false) is { } unfinished
                    ? new OutboxRead.Open(unfinished)
                    : new OutboxRead.Nothing();
            case DocumentRead<BatchManifest>.Damaged damaged:
                return new OutboxRead.Damaged(damaged.Key, damaged.Why);
            default:
                return new OutboxRead.Nothing();
        }
    }

    /// <summary>Those of some batches whose jobs are not begun any more. An outage stops none: nodes look again.</summary>
    public async Task<IReadOnlySet<BatchId>> FindStoppedAsync(
        IEnumerable<BatchId> batches, CancellationToken cancellation)
    {
        var stopped = new HashSet<BatchId>();
        try
        {
            foreach (var batch in batches)
                if (await store.FindStopAsync(batch, cancellation).ConfigureAwait(false) is not null) stopped.Add(batch);
        }
        catch (IOException)
        {
            // The queue may take messages while the store is away.
        }

        return stopped;
    }

    /// <summary>Marks a batch as sent: the queue, with this identity of its contents, has accepted all
    /// messages.</summary>
    public Task MarkSentAsync(BatchId batch, string? queue, CancellationToken cancellation) =>
        store.PutAsync(ObjectKeys.SentNote(batch), Encoding.UTF8.GetBytes(queue ?? ""), cancellation);

    private async Task<string?> ReadSentMarkAsync(BatchId batch, CancellationToken cancellation)
    {
        var note = await store.GetAsync(ObjectKeys.SentNote(batch), cancellation).ConfigureAwait(false);
        if (note is null) return null;
        await using (note.ConfigureAwait(false))
        {
            using var reader = new StreamReader(note.Content);
            return await reader.ReadToEndAsync(cancellation).ConfigureAwait(false);
        }
    }
}

/// <summary>What the outbox must send for a batch.</summary>
internal abstract record OutboxRead
{
    private OutboxRead()
    {
    }

    /// <summary>The messages of these jobs.</summary>
    public sealed record Open(UnfinishedJobs Unfinished) : OutboxRead;

    /// <summary>Nothing.</summary>
    public sealed record Nothing : OutboxRead;

    /// <summary>Unknown, because the manifest is damaged.</summary>
    public sealed record Damaged(string Key, string Why) : OutboxRead;
}
