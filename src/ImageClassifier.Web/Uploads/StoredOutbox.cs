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
        await foreach (var (batch, _) in store.ListOpenAsync(after: null, cancellation).ConfigureAwait(false))
            open.Add(batch);
        return open;
    }

    /// <summary>The jobs of a batch whose messages may not be on the queue; null where there are none. Removes the
    /// marker of a batch that turns out to be finished.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="queue">What the queue names its contents: what was sent into others is gone with them. Null for a
    /// queue that loses nothing.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<UnfinishedJobs?> LoadAsync(BatchId batch, string? queue, CancellationToken cancellation)
    {
        var open = await LoadOpenAsync(batch, cancellation).ConfigureAwait(false);
        if (open is null) return null;
        var sentTo = await ReadSentNoteAsync(batch, cancellation).ConfigureAwait(false);
        return sentTo is not null && (queue is null || sentTo == queue) ? null : open;
    }

    /// <summary>The jobs of a batch that have no result; null where there are none. Removes the marker of a batch that
    /// turns out to be finished.</summary>
    public async Task<UnfinishedJobs?> LoadOpenAsync(BatchId batch, CancellationToken cancellation)
    {
        var manifest = await store.ReadJsonAsync<BatchManifest>(ObjectKeys.Manifest(batch), cancellation)
            .ConfigureAwait(false);
        if (manifest is null) return null;

        var done = new HashSet<string>();
        await foreach (var result in store.ListAsync(ObjectKeys.ResultsOf(batch), cancellation).ConfigureAwait(false))
            done.Add(result.Key);
        var unfinished = manifest.Accepted
            .Where(job => !done.Contains(ObjectKeys.Result(batch, job.Job))).ToList();

        if (unfinished.Count == 0)
        {
            await store.DeleteAsync(ObjectKeys.OpenMarker(batch), cancellation).ConfigureAwait(false);
            return null;
        }

        return new UnfinishedJobs(manifest, unfinished);
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

/// <summary>The jobs of a batch that have no result.</summary>
internal sealed record UnfinishedJobs(BatchManifest Manifest, IReadOnlyList<ManifestJob> Jobs);
