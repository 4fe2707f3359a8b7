using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Callbacks;

/// <summary>Deliveries in the store. What replaces an object is always written before the object is deleted, so a
/// delivery can at worst be made twice, with the same id.</summary>
internal sealed class StoredCallbacks(IObjectStore store)
{
    /// <summary>Stores a delivery, to be made at once. Nothing happens if it waits for its first try already.</summary>
    public Task AddAsync(CallbackDelivery delivery, CallbackSubject subject, CancellationToken cancellation) =>
        store.PutIfAbsentAsync(
            KeyOf(delivery, subject, DateTimeOffset.UnixEpoch), WireJson.WriteUtf8(delivery), cancellation);

    /// <summary>The deliveries of a batch in any state.</summary>
    public async Task<CallbackProgress> ProgressOfAsync(BatchId batch, CancellationToken cancellation)
    {
        var progress = new CallbackProgress([], [], []);
        await foreach (var found in store.ListAsync(CallbackKeys.WaitingOf(batch), cancellation).ConfigureAwait(false))
        {
            if (CallbackKeys.TryParseWaiting(found.Key, out var waiting)) progress.Waiting.Add(waiting.Subject);
        }

        await foreach (var found in store.ListAsync(CallbackKeys.DeadOf(batch), cancellation).ConfigureAwait(false))
        {
            if (CallbackKeys.TryParseDead(found.Key, out _, out var subject)) progress.Dead.Add(subject);
        }

        await foreach (var found in store.ListAsync(CallbackKeys.SettledOf(batch), cancellation).ConfigureAwait(false))
        {
            if (CallbackKeys.TryParseSettled(batch, found.Key, out var subject, out var isPurged))
                (isPurged ? progress.Dead : progress.Settled).Add(subject);
        }

        progress.Settled.ExceptWith(progress.Dead);
        return progress;
    }

    /// <summary>Reads a waiting delivery. It is missing if its batch was deleted, or if it was settled in another
    /// way; then its object is removed.</summary>
    public async Task<DocumentRead<CallbackDelivery>> ReadAsync(
        WaitingCallback waiting, CancellationToken cancellation)
    {
        var isOver = !await store.ExistsAsync(ObjectKeys.Manifest(waiting.Batch), cancellation).ConfigureAwait(false)
            || await store.ExistsAsync(CallbackKeys.Settled(waiting.Batch, waiting.Subject), cancellation)
                .ConfigureAwait(false);
        if (!isOver)
            return await store.ReadDocumentAsync<CallbackDelivery>(waiting.Key, cancellation).ConfigureAwait(false);
        await store.DeleteAsync(waiting.Key, cancellation).ConfigureAwait(false);
        return new DocumentRead<CallbackDelivery>.Missing();
    }

    /// <summary>Notes that a delivery was made.</summary>
    public async Task SettleAsync(WaitingCallback waiting, CancellationToken cancellation)
    {
        await PutOfBatchAsync(
            waiting.Batch, CallbackKeys.Settled(waiting.Batch, waiting.Subject), ReadOnlyMemory<byte>.Empty, cancellation)
            .ConfigureAwait(false);
        await store.DeleteAsync(waiting.Key, cancellation).ConfigureAwait(false);
    }

    /// <summary>Notes that a delivery is tried again later.</summary>
    public async Task PostponeAsync(
        WaitingCallback waiting, CallbackDelivery delivery, DateTimeOffset due, CancellationToken cancellation)
    {
        var next = (waiting with { Due = due }).Key;
        await store.PutAsync(next, WireJson.WriteUtf8(delivery), cancellation).ConfigureAwait(false);
        if (next != waiting.Key) await store.DeleteAsync(waiting.Key, cancellation).ConfigureAwait(false);
    }

    /// <summary>Gives a delivery up.</summary>
    public async Task BuryAsync(WaitingCallback waiting, DeadCallback dead, CancellationToken cancellation)
    {
        await PutOfBatchAsync(
            waiting.Batch, CallbackKeys.DeadCallback(waiting.Batch, waiting.Subject), WireJson.WriteUtf8(dead), cancellation)
            .ConfigureAwait(false);
        await store.DeleteAsync(waiting.Key, cancellation).ConfigureAwait(false);
    }

    /// <summary>Makes a dead delivery wait for its first try again.</summary>
    public async Task ReviveAsync(
        CallbackDelivery delivery, CallbackSubject subject, CancellationToken cancellation)
    {
        await AddAsync(delivery with { Tries = 0 }, subject, cancellation).ConfigureAwait(false);
        await store.DeleteAsync(CallbackKeys.DeadCallback(delivery.Batch, subject), cancellation).ConfigureAwait(false);
    }

    /// <summary>Removes a dead delivery for good.</summary>
    public async Task PurgeAsync(BatchId batch, CallbackSubject subject, CancellationToken cancellation)
    {
        foreach (var note in new[] { CallbackKeys.Purged(batch, subject), CallbackKeys.Settled(batch, subject) })
            await store.PutAsync(note, ReadOnlyMemory<byte>.Empty, cancellation).ConfigureAwait(false);
        await store.DeleteAsync(CallbackKeys.DeadCallback(batch, subject), cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes an object of a batch. If the batch was deleted meanwhile, for example by the receiver, nothing
    /// else would remove the object.</summary>
    private async Task PutOfBatchAsync(
        BatchId batch, string key, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        await store.PutAsync(key, content, cancellation).ConfigureAwait(false);
        if (!await store.ExistsAsync(ObjectKeys.Manifest(batch), cancellation).ConfigureAwait(false))
            await store.DeleteAsync(key, cancellation).ConfigureAwait(false);
    }

    private static string KeyOf(CallbackDelivery delivery, CallbackSubject subject, DateTimeOffset due) =>
        new WaitingCallback(delivery.Batch, subject, delivery.Receiver, due).Key;
}

/// <summary>The deliveries of a batch by state.</summary>
/// <param name="Waiting">Those that wait for a try.</param>
/// <param name="Settled">Those that were made.</param>
/// <param name="Dead">Those that were given up, also if an operator purged them.</param>
internal sealed record CallbackProgress(
    HashSet<CallbackSubject> Waiting, HashSet<CallbackSubject> Settled, HashSet<CallbackSubject> Dead)
{
    /// <summary>Whether a delivery was stored, in whatever state it is now.</summary>
    public bool Contains(CallbackSubject subject) =>
        Waiting.Contains(subject) || Settled.Contains(subject) || Dead.Contains(subject);
}
