using ImageClassifier.Tests.Embedded;
using ImageClassifier.Web.Access;
using Xunit;

namespace ImageClassifier.Tests.Web.Access;

public sealed class TokenBucketsSpecs
{
    private readonly MovableTime _time = new();
    private readonly TokenBuckets _buckets;

    public TokenBucketsSpecs() =>
        _buckets = new TokenBuckets(new RateLimitSettings(Burst: 3, Count: 2, Per: TimeSpan.FromSeconds(10)), _time);

    [Fact]
    public void A_burst_goes_through_and_each_period_adds_its_count_up_to_the_burst()
    {
        Assert.Equal(3, TakeAll("a"));
        _time.Pass(TimeSpan.FromSeconds(4));
        Assert.Equal(TimeSpan.FromSeconds(6), _buckets.Take("a"));
        _time.Pass(TimeSpan.FromSeconds(6));
        Assert.Equal(2, TakeAll("a"));
        _time.Pass(TimeSpan.FromDays(400));
        Assert.Equal(3, TakeAll("a"));
    }

    [Fact]
    public void Callers_do_not_share_a_bucket()
    {
        Assert.Equal(3, TakeAll("a"));
        Assert.Equal(3, TakeAll("b"));
    }

    [Fact]
    public void Full_buckets_leave_memory_and_an_empty_one_stays()
    {
        for (var caller = 0; caller < 999; caller++) _buckets.Take($"{caller}");
        _time.Pass(TimeSpan.FromSeconds(10));
        TakeAll("busy");
        Assert.Equal(1000, _buckets.Count);
        _buckets.Take("one more");
        Assert.Equal(2, _buckets.Count);
        Assert.NotNull(_buckets.Take("busy"));
    }

    [Fact]
    public void Memory_is_bounded_however_many_addresses_call()
    {
        var most = 0;
        for (var caller = 0; caller < 2.5 * TokenBuckets.Most; caller++)
        {
            _buckets.Take($"{caller}");
            most = Math.Max(most, _buckets.Count);
        }

        Assert.InRange(most, TokenBuckets.Most / 2, TokenBuckets.Most);
    }

    private int TakeAll(string caller)
    {
        var taken = 0;
        while (_buckets.Take(caller) is null) taken++;
        return taken;
    }
}
