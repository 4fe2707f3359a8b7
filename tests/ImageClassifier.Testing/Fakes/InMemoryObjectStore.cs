using System.Runtime.CompilerServices;
using System.Text;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Testing.Fakes;

/// <summary>The calls of a store. Tests count them and make them fail.</summary>
public enum StoreCall
{
    Put,
    PutIfAbsent,
    Get,
    List,
    Delete,
}

/// <summary>A whole object store in memory that keeps the contract of <see cref="IObjectStore"/>. Calls can be made to
/// fail.</summary>
/// <param name="time">The store's clock, which gives the times of last modification.</param>
public sealed class InMemoryObjectStore(TimeProvider time) : IObjectStore
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<StoreCall, int> _calls = [];
    private readonly Dictionary<StoreCall, Queue<Exception>> _failures = [];

    /// <summary>Awaited at the start of each call, with the key or prefix. It may delay the call or fail it.</summary>
    public Func<StoreCall, string, Task>? Before { get; set; }

    /// <summary>Awaited after an object was put if absent, before the answer, with the key. It may delay or lose the
    /// answer.</summary>
    public Func<string, Task>? AfterPutIfAbsent { get; set; }

    /// <summary>How far the store's clock is ahead.</summary>
    public TimeSpan Ahead { get; set; }

    /// <summary>Makes the next put if absent lose its first answer and repeat itself, as a client of S3 does. It then finds
    /// its own object.</summary>
    public bool RepeatsNextPutIfAbsent { get; set; }

    /// <summary>The keys of all objects, in ordinal order.</summary>
    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_lock) return _entries.Keys.ToArray();
        }
    }

    private DateTimeOffset Now => time.GetUtcNow() + Ahead;

    /// <summary>The number of calls of a kind, including failed ones.</summary>
    public int CallsOf(StoreCall call)
    {
        lock (_lock) return _calls.GetValueOrDefault(call);
    }

    /// <summary>Makes the next calls of a kind fail.</summary>
    public void FailNext(StoreCall call, int times = 1, Exception? failure = null)
    {
        lock (_lock)
        {
            if (!_failures.TryGetValue(call, out var queued)) _failures[call] = queued = new Queue<Exception>();
            for (var i = 0; i < times; i++)
                queued.Enqueue(failure ?? new IOException($"The test made {call} fail."));
        }
    }

    /// <summary>Stores a text at once, without faults.</summary>
    public void Set(string key, string text) => Store(key, Encoding.UTF8.GetBytes(text));

    /// <summary>Stores bytes at once, without faults.</summary>
    public void Set(string key, byte[] content) => Store(key, content);

    /// <summary>The object as text; null if it is missing.</summary>
    public string? TextAt(string key)
    {
        lock (_lock) return _entries.TryGetValue(key, out var entry) ? Encoding.UTF8.GetString(entry.Content) : null;
    }

    /// <summary>The object as a document; null if it is missing.</summary>
    public T? DocumentAt<T>(string key) where T : class =>
        TextAt(key) is { } text ? WireJson.TryRead<T>(text) : null;

    public async Task PutAsync(string key, Stream content, CancellationToken cancellation)
    {
        CheckKey(key);
        await BeginAsync(StoreCall.Put, key, cancellation);
        using var memory = new MemoryStream();
        await content.CopyToAsync(memory, cancellation);
        Store(key, memory.ToArray());
    }

    public async Task<bool> PutIfAbsentAsync(
        string key, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        CheckKey(key);
        await BeginAsync(StoreCall.PutIfAbsent, key, cancellation);
        bool isFirst;
        lock (_lock) isFirst = _entries.TryAdd(key, new Entry(content.ToArray(), Now));
        if (AfterPutIfAbsent is { } after) await after(key);
        if (!RepeatsNextPutIfAbsent) return isFirst;
        RepeatsNextPutIfAbsent = false;
        return false;
    }

    public async Task<StoredObject?> GetAsync(string key, CancellationToken cancellation)
    {
        CheckKey(key);
        await BeginAsync(StoreCall.Get, key, cancellation);
        lock (_lock)
        {
            return _entries.TryGetValue(key, out var entry)
                ? new StoredObject(new MemoryStream(entry.Content, false), entry.Content.Length, entry.LastModified)
                : null;
        }
    }

    public async IAsyncEnumerable<ObjectListing> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await BeginAsync(StoreCall.List, prefix, cancellation);
        ObjectListing[] found;
        lock (_lock)
        {
            found = _entries
                .Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal))
                .Select(entry => new ObjectListing(entry.Key, entry.Value.Content.Length, entry.Value.LastModified))
                .ToArray();
        }

        foreach (var listing in found)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return listing;
        }
    }

    public async Task DeleteAsync(string key, CancellationToken cancellation)
    {
        CheckKey(key);
        await BeginAsync(StoreCall.Delete, key, cancellation);
        lock (_lock) _entries.Remove(key);
    }

    public Task<string?> CheckAsync(CancellationToken cancellation) => this.CheckByReadingAsync(cancellation);

    private static void CheckKey(string key)
    {
        var wellFormed = key.Split('/').All(name => name.Any(c => c != '.')
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'));
        if (!wellFormed) throw new ArgumentException($"'{key}' is no key.", nameof(key));
    }

    private async Task BeginAsync(StoreCall call, string key, CancellationToken cancellation)
    {
        Exception? failure;
        lock (_lock)
        {
            _calls[call] = _calls.GetValueOrDefault(call) + 1;
            failure = _failures.TryGetValue(call, out var queued) && queued.TryDequeue(out var next) ? next : null;
        }

        if (Before is { } before) await before(call, key);
        if (failure is not null) throw failure;
        cancellation.ThrowIfCancellationRequested();
    }

    private void Store(string key, byte[] content)
    {
        lock (_lock) _entries[key] = new Entry(content, Now);
    }

    private sealed record Entry(byte[] Content, DateTimeOffset LastModified);
}
