namespace ImageClassifier.Core.Ports;

/// <summary>
/// A durable store of objects by key. A put is atomic: a reader sees the whole object or none. Keys are names of
/// letters, digits, <c>.</c>, <c>-</c> and <c>_</c>, separated by <c>/</c>; no name is empty or only dots
/// (<see cref="ArgumentException"/> otherwise). Calls throw <see cref="IOException"/> if the store cannot be reached or
/// is full, and its subclass <see cref="StoreRefusedException"/> if the store refuses the call for good. An object is
/// then not half written. Exceptions come with the returned task, never from the call itself.
/// </summary>
public interface IObjectStore
{
    /// <summary>Stores an object, and replaces an object with the same key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="content">Read once, to its end, as it arrives. If it throws, the call fails and stores
    /// nothing.</param>
    /// <param name="cancellation">Ends the call. Then nothing is stored.</param>
    Task PutAsync(string key, Stream content, CancellationToken cancellation);

    /// <summary>Stores an object only if the key has none. Of several calls at once, exactly one succeeds.</summary>
    /// <returns>True if this call stored it.</returns>
    Task<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellation);

    /// <summary>Opens an object. The caller disposes of it.</summary>
    /// <returns>Null if there is no such object.</returns>
    Task<StoredObject?> GetAsync(string key, CancellationToken cancellation);

    /// <summary>Lists the objects whose key starts with <paramref name="prefix"/>, in ordinal order of their
    /// keys.</summary>
    IAsyncEnumerable<ObjectListing> ListAsync(string prefix, CancellationToken cancellation);

    /// <summary>Deletes an object. Succeeds if there is none.</summary>
    Task DeleteAsync(string key, CancellationToken cancellation);

    /// <summary>Checks that the store can be used. A store that charges for calls is read once; others are checked
    /// thoroughly.</summary>
    /// <returns>The fault, in words that clients may read; null if there is none.</returns>
    Task<string?> CheckAsync(CancellationToken cancellation);
}

/// <summary>An object that is open for reading.</summary>
/// <param name="Content">The bytes, to be read once, forward.</param>
/// <param name="Size">The number of bytes.</param>
/// <param name="LastModified">The time at which it was stored, by the store's clock.</param>
public sealed record StoredObject(Stream Content, long Size, DateTimeOffset LastModified) : IAsyncDisposable
{
    /// <inheritdoc />
    public ValueTask DisposeAsync() => Content.DisposeAsync();
}

/// <summary>An object in a listing.</summary>
/// <param name="Key">The key.</param>
/// <param name="Size">The number of bytes.</param>
/// <param name="LastModified">The time at which it was stored, by the store's clock.</param>
public sealed record ObjectListing(string Key, long Size, DateTimeOffset LastModified);
