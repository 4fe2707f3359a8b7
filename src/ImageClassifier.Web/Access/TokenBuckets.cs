using ImageClassifier.Streams;

namespace ImageClassifier.Web.Access;

/// <summary>A rate limit for each caller: a token bucket that is filled when it is used. The framework's limiter wakes ten
/// times a second to fill buckets, also when there are none.</summary>
internal sealed class TokenBuckets(RateLimitSettings limit, TimeProvider time)
{
    // A full bucket is the same as none. Below this number they may stay.
    private const int Few = 1000;

    // An attacker can have any number of addresses. 100,000 buckets take some 15 MB.
    internal const int Most = 100_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Bucket> _buckets = [];
    private int _removeAt = Few;

    /// <summary>The number of buckets in memory.</summary>
    internal int Count => _buckets.Count;

    /// <summary>Takes a token from a caller's bucket. Null if there was one, otherwise the time until the next.</summary>
    public TimeSpan? Take(string caller)
    {
        var now = time.GetMonotonic();
        lock (_lock)
        {
            if (!_buckets.TryGetValue(caller, out var bucket))
            {
                if (_buckets.Count >= _removeAt) RemoveFull(now);
                _buckets[caller] = bucket = new Bucket { Tokens = limit.Burst, FilledAt = now };
            }

            Fill(bucket, now);
            if (bucket.Tokens == 0) return bucket.FilledAt + limit.Per - now;
            bucket.Tokens--;
            return null;
        }
    }

    private void Fill(Bucket bucket, TimeSpan now)
    {
        var periods = (now - bucket.FilledAt).Ticks / limit.Per.Ticks;
        bucket.Tokens = (int)Math.Min(limit.Burst, bucket.Tokens + (periods * limit.Count));
        bucket.FilledAt += periods * limit.Per;
    }

    private void RemoveFull(TimeSpan now)
    {
        foreach (var (caller, bucket) in _buckets)
        {
            Fill(bucket, now);
            if (bucket.Tokens == limit.Burst) _buckets.Remove(caller);
        }

        // Of so many callers each gains at most a burst. The search for full buckets must not become frequent.
        if (_buckets.Count > Most / 2) _buckets.Clear();
        _removeAt = Math.Max(Few, 2 * _buckets.Count);
    }

    private sealed class Bucket
    {
        public int Tokens { get; set; }

        public TimeSpan FilledAt { get; set; }
    }
}
