using System.Text.Json;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Ports;

/// <summary>Common operations on an object store.</summary>
public static class ObjectStoreExtensions
{
    /// <summary>Reads a JSON document. All readers of stored documents use this method. A damaged document is a return
    /// value and not an exception, so that no reader fails on it for ever.</summary>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public static async Task<DocumentRead<T>> ReadDocumentAsync<T>(
        this IObjectStore store, string key, CancellationToken cancellation)
        where T : class, IStoredDocument
    {
        var stored = await store.GetAsync(key, cancellation).ConfigureAwait(false);
        if (stored is null) return new DocumentRead<T>.Missing();
        await using (stored.ConfigureAwait(false))
        {
            if (stored.Size > T.MaxSize) return Damaged("it is too large");
            try
            {
                var document = await JsonSerializer
                    .DeserializeAsync<T>(stored.Content, WireJson.Options, cancellation).ConfigureAwait(false);
                if (document is { IsTombstone: true }) return new DocumentRead<T>.Missing();
                return document is not null && document.IsWholeAt(key)
                    ? new DocumentRead<T>.Found(document)
                    : Damaged("parts of it are missing, or belong to another object");
            }
            catch (Exception failure) when (
                failure is JsonException or FormatException or InvalidOperationException or NotSupportedException)
            {
                // The parser's message may quote the document.
                return Damaged("it is not valid JSON of this document");
            }
        }

        DocumentRead<T> Damaged(string why) => new DocumentRead<T>.Damaged(key, why);
    }

    /// <summary>Why no further job of a batch is begun; null if jobs may be begun. A damaged object counts as a cancel,
    /// because only a stop writes it.</summary>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public static async Task<StopCause?> FindStopAsync(
        this IObjectStore store, BatchId batch, CancellationToken cancellation) =>
        await store.ReadDocumentAsync<BatchStop>(ObjectKeys.BatchStop(batch), cancellation).ConfigureAwait(false) switch
        {
            DocumentRead<BatchStop>.Found { Document: var stop } => stop.Cause,
            DocumentRead<BatchStop>.Damaged => StopCause.Cancelled,
            _ => null,
        };

    /// <summary>True if there is an object with that key.</summary>
    public static async Task<bool> ExistsAsync(this IObjectStore store, string key, CancellationToken cancellation)
    {
        var found = await store.GetAsync(key, cancellation).ConfigureAwait(false);
        if (found is null) return false;
        await found.DisposeAsync().ConfigureAwait(false);
        return true;
    }

    /// <summary>The check of a store that charges for calls, or that works entirely if it can be read: one
    /// read.</summary>
    /// <returns>Null.</returns>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public static async Task<string?> CheckByReadingAsync(this IObjectStore store, CancellationToken cancellation)
    {
        await store.ExistsAsync($"{ObjectKeys.Batches}health-check", cancellation).ConfigureAwait(false);
        return null;
    }

    /// <summary>Stores a small object from memory, and replaces an object with the same key.</summary>
    public static async Task PutAsync(
        this IObjectStore store, string key, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        using var stream = new MemoryStream(content.ToArray(), writable: false);
        await store.PutAsync(key, stream, cancellation).ConfigureAwait(false);
    }
}
