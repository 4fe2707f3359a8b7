using System.Text.Json;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Core.Ports;

/// <summary>Documents in an object store.</summary>
public static class ObjectStoreExtensions
{
    /// <summary>Reads a JSON document; null when there is none at that key.</summary>
    /// <exception cref="JsonException">The object there is no such document.</exception>
    public static async Task<T?> ReadJsonAsync<T>(this IObjectStore store, string key, CancellationToken cancellation)
        where T : class
    {
        var stored = await store.GetAsync(key, cancellation).ConfigureAwait(false);
        if (stored is null) return null;
        await using (stored.ConfigureAwait(false))
            return await WireJson.ReadAsync<T>(stored.Content, cancellation).ConfigureAwait(false);
    }

    /// <summary>Whether there is an object at that key.</summary>
    public static async Task<bool> ExistsAsync(this IObjectStore store, string key, CancellationToken cancellation)
    {
        var found = await store.GetAsync(key, cancellation).ConfigureAwait(false);
        if (found is null) return false;
        await found.DisposeAsync().ConfigureAwait(false);
        return true;
    }

    /// <summary>Stores a small object from memory, in place of one that may be there.</summary>
    public static async Task PutAsync(
        this IObjectStore store, string key, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        using var stream = new MemoryStream(content.ToArray(), writable: false);
        await store.PutAsync(key, stream, cancellation).ConfigureAwait(false);
    }
}
