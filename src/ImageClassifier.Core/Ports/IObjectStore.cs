namespace ImageClassifier.Core.Ports;

/// <summary>
/// A durable store of objects by key. A put is atomic: whoever reads sees the whole object or none. Keys are
/// <c>/</c>-separated names of letters, digits, <c>.</c>, <c>-</c> and <c>_</c>, with no empty and no dots-only name
/// (<see cref="ArgumentException"/> otherwise). Calls throw <see cref="IOException"/> when the store cannot be reached
/// or is full, <see cref="StoreRefusedException"/> among them when it refuses the call for good; an object half written
/// is then not there. What a call throws comes with its task, never at once.
/// </summary>
public interface IObjectStore
{
    /// <summary>Stores an object, in place of one that may be there.</summary>
    /// <param name="key">Where.</param>
    /// <param name="content">Read to its end as it comes, once. An exception from it ends the call and stores
    /// nothing.</param>
    /// <param name="cancellation">Ends the call; nothing is then stored.</param>
    Task PutAsync(string key, Stream content, CancellationToken cancellation);

    /// <summary>Stores an object only if there is none: of several callers at once, exactly one succeeds.</summary>
    /// <returns>Whether this call stored it.</returns>
    Task<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellation);

    /// <summary>Opens an object; the caller disposes of it.</summary>
    /// <returns>Null when there is none.</returns>
    Task<StoredObject?> GetAsync(string key, CancellationToken cancellation);

    /// <summary>Lists the objects whose key starts with <paramref name="prefix"/>, in ordinal order of their
    /// keys.</summary>
    IAsyncEnumerable<ObjectListing> ListAsync(string prefix, CancellationToken cancellation);

    /// <summary>Deletes an object; one that is not there is deleted already.</summary>
    Task DeleteAsync(string key, CancellationToken cancellation);

    /// <summary>Looks whether the store can be used. A store that is paid by the call is read once; others are tried
    /// thoroughly.</summary>
    /// <returns>What cannot be done, in words that clients may read; null where everything can.</returns>
    Task<string?> CheckAsync(CancellationToken cancellation);
}

/// <summary>An object that is open for reading.</summary>
/// <param name="Content">Its bytes, to be read once, forward.</param>
/// <param name="Size">Their number.</param>
/// <param name="LastModified">When it was stored, by the store's clock.</param>
public sealed record StoredObject(Stream Content, long Size, DateTimeOffset LastModified) : IAsyncDisposable
{
    /// <inheritdoc />
    public ValueTask DisposeAsync() => Content.DisposeAsync();
}

/// <summary>What a listing says of an object.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="LastModified">When it was stored, by the store's clock.</param>
public sealed record ObjectListing(string Key, long Size, DateTimeOffset LastModified);
