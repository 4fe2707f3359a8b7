using System.Text;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Uploads;

/// <summary>The outbox as the store keeps it: open markers, manifests, results, and the notes of what was
/// sent.</summary>
internal sealed class StoredOutbox(IObjectStore store)
{
    /// <summary>The batches that are not finished; some may have no manifest.</summary>
    public async Task<IReadOnlyList<BatchId>> FindOpenAsync(CancellationToken cancellation)
    {
        var open = new List<BatchId>();
        await foreach (var found in store.ListOpenAsync(after: null, cancellation).ConfigureAwait(false))
        {
            if (!found.IsDeleting) open.Add(found.Batch);
        }

        return open;
    }

    /// <summary>The jobs of a batch whose messages may not be on the queue. Closes a batch that turns out to be
    /// finished.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="queue">What the queue names its contents: what was sent into others is gone with them. Null for a
    /// queue that loses nothing.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<OutboxRead> LoadUnsentAsync(BatchId batch, string? queue, CancellationToken cancellation)
    {
        var open = await LoadOpenAsync(batch, cancellation).ConfigureAwait(false);
        if (open is not OutboxRead.Open) return open;
        var sentTo = await ReadSentNoteAsync(batch, cancellation).ConfigureAwait(false);
        return sentTo is not null && (queue is null || sentTo == queue) ? new OutboxRead.Nothing() : open;
    }

    /// <summary>The jobs of a batch that are not done. Closes a batch that turns out to be finished.</summary>
    public async Task<OutboxRead> LoadOpenAsync(BatchId batch, CancellationToken cancellation)
    {
        switch (await store.ReadDocumentAsync<BatchManifest>(ObjectKeys.Manifest(batch), cancellation)
            .ConfigureAwait(false))
        {
            case DocumentRead<BatchManifest>.Found { Document: var manifest }:
                return await new BatchClosing(store).CloseIfDoneAsync(manifest, cancellation)
                    .ConfigureAwait(false) is { } unfinished
                    ? new OutboxRead.Open(unfinished)
                    : new OutboxRead.Nothing();
            case DocumentRead<BatchManifest>.Damaged damaged:
                return new OutboxRead.Damaged(damaged.Key, damaged.Why);
            default:
                return new OutboxRead.Nothing();
        }
    }

    /// <summary>Notes that the queue has taken all messages of a batch, and under which name of its contents.</summary>
    public Task NoteSentAsync(BatchId batch, string? queue, CancellationToken cancellation) =>
        store.PutAsync(ObjectKeys.SentNote(batch), Encoding.UTF8.GetBytes(queue ?? ""), cancellation);

    private async Task<string?> ReadSentNoteAsync(BatchId batch, CancellationToken cancellation)
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

/// <summary>What there is to send of a batch.</summary>
internal abstract record OutboxRead
{
    private OutboxRead()
    {
    }

    /// <summary>These jobs.</summary>
    public sealed record Open(UnfinishedJobs Unfinished) : OutboxRead;

    /// <summary>Nothing.</summary>
    public sealed record Nothing : OutboxRead;

    /// <summary>The batch's manifest is damaged, so that no one knows.</summary>
    public sealed record Damaged(string Key, string Why) : OutboxRead;
}
