using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Repeats;

/// <summary>The records of classified pictures in the store, which all web nodes share. Each reads what is new into its own
/// index, only when uploads come.</summary>
internal sealed class RepeatRecords(
    IObjectStore store, RepeatIndex index, TimeProvider time, ILogger<RepeatRecords> log)
{
    /// <summary>The time between two looks. So they add few calls to those of the uploads.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(15);

    /// <summary>The age of the oldest records that the first look reads. Older pictures are classified again.</summary>
    public static readonly TimeSpan LooksBack = TimeSpan.FromDays(7);

    /// <summary>The most records that one look reads, the newest ones. Many records with few pictures each must not
    /// become many calls.</summary>
    public const int MostRead = 500;

    // Web nodes write a minute late, and their clocks differ a little.
    private static readonly TimeSpan Overlap = TimeSpan.FromMinutes(5);

    // An upload is not delayed for long. What is read later serves later uploads.
    private static readonly TimeSpan WaitLimit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(30);

    // Of one day. Several web nodes under full load write a few thousand.
    private const int MostListed = 20_000;
    private const int ReadsAtOnce = 8;

    private readonly Lock _lock = new();
    private Task _look = Task.CompletedTask;
    private long? _lookedAt;

    // Only one look runs at a time, and only it uses these.
    private readonly HashSet<string> _known = [];
    private DateTimeOffset? _readUpTo;
    private bool _isFailing;

    /// <summary>Begins to read what is new, if the last look is long ago.</summary>
    public Task BeginLook()
    {
        lock (_lock)
        {
            var isRecent = _lookedAt is { } at && time.GetElapsedTime(at) < LookInterval;
            if (isRecent || !_look.IsCompleted) return _look;
            _lookedAt = time.GetTimestamp();
            return _look = Task.Run(LookAsync);
        }
    }

    /// <summary>Reads what is new, if the last look is long ago, and waits for it a moment.</summary>
    public async Task LookAsync(CancellationToken cancellation)
    {
        try
        {
            await BeginLook().WaitAsync(WaitLimit, time, cancellation);
        }
        catch (TimeoutException)
        {
            // The upload uses what is known.
        }
    }

    /// <summary>Stores a record, for other web nodes and later runs.</summary>
    /// <exception cref="IOException">The store does not accept it.</exception>
    public Task WriteAsync(RepeatRecord record, CancellationToken cancellation) =>
        store.PutAsync(RepeatKeys.NewRecord(time.GetUtcNow()), WireJson.WriteUtf8(record), cancellation);

    /// <summary>Never fails: without the records, pictures are classified.</summary>
    private async Task LookAsync()
    {
        using var limit = new CancellationTokenSource(ReadLimit, time);
        try
        {
            await ReadNewAsync(limit.Token);
            if (_isFailing) log.LogInformation("The records of classified pictures can be read again");
            _isFailing = false;
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            if (!_isFailing)
            {
                log.LogWarning("The records of classified pictures cannot be read, so repeats are classified: {Cause}",
                    failure.Message);
            }

            _isFailing = true;
        }
    }

    private async Task ReadNewAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var from = _readUpTo is { } last && last - Overlap > now - LooksBack ? last - Overlap : now - LooksBack;
        var found = await ListNewAsync(from, now + Overlap, cancellation);
        var records = new List<RepeatRecord>();
        var damaged = new List<DocumentRead<RepeatRecord>.Damaged>();
        var pictures = 0;
        foreach (var some in found.Reverse().Take(MostRead).Chunk(ReadsAtOnce))
        {
            foreach (var read in await Task.WhenAll(some.Select(key => ReadAsync(key, cancellation))))
            {
                if (read is DocumentRead<RepeatRecord>.Damaged bad) damaged.Add(bad);
                if (read.OrNull is not { } record) continue;
                records.Add(record);
                pictures += record.Batches.Sum(batch => batch.Pictures.Count);
            }

            // What is older would not stay in the index.
            if (pictures >= RepeatIndex.Capacity) break;
        }

        foreach (var batch in Enumerable.Reverse(records).SelectMany(record => record.Batches)) index.Add(batch);
        if (damaged.Count > 0)
        {
            log.LogWarning("{Count} records of classified pictures are damaged and ignored, such as {Key}: {Why}",
                damaged.Count, damaged[0].Key, damaged[0].Why);
        }

        _known.UnionWith(found);
        // The next look lists nothing earlier.
        var next = RepeatKeys.OfHour(now - Overlap);
        _known.RemoveWhere(key => string.CompareOrdinal(key, next) < 0);
        _readUpTo = now;
    }

    /// <summary>Records that were not read before, in order: all, or the newest ones if they are more than enough.</summary>
    private async Task<IReadOnlyList<string>> ListNewAsync(
        DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation)
    {
        var found = new List<string>();
        foreach (var prefix in RepeatKeys.Between(from, to).Reverse())
        {
            var ofPrefix = new List<string>();
            var listed = 0;
            await foreach (var listing in store.ListAsync(prefix, cancellation))
            {
                if (++listed > MostListed) break;
                if (RepeatKeys.IsRecord(listing.Key) && !_known.Contains(listing.Key)) ofPrefix.Add(listing.Key);
            }

            found.InsertRange(0, ofPrefix);
            if (found.Count >= MostRead) break;
        }

        return found;
    }

    /// <summary>An object that the store cannot read must not keep the others from being read.</summary>
    private async Task<DocumentRead<RepeatRecord>> ReadAsync(string key, CancellationToken cancellation)
    {
        try
        {
            return await store.ReadDocumentAsync<RepeatRecord>(key, cancellation);
        }
        catch (IOException failure)
        {
            return new DocumentRead<RepeatRecord>.Damaged(key, failure.Message);
        }
    }
}
