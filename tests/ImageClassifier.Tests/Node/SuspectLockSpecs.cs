using ImageClassifier.Node.Polling;
using ImageClassifier.Tests.Embedded;
using Xunit;

namespace ImageClassifier.Tests.Node;

public sealed class SuspectLockSpecs
{
    private readonly MovableTime _time = new();
    private readonly SuspectLock _lock;

    public SuspectLockSpecs() => _lock = new SuspectLock(_time);

    [Fact]
    public void Turns_are_exclusive_and_the_suspect_with_the_most_receives_is_next()
    {
        var first = _lock.EnterAsync(receives: 2);
        var second = _lock.EnterAsync(receives: 2);
        var third = _lock.EnterAsync(receives: 2);
        var urgent = _lock.EnterAsync(receives: 5);
        Assert.Equal((true, false, false, false), Turns());

        _lock.Leave();
        Assert.Equal((true, false, false, true), Turns());
        _lock.Leave();
        Assert.Equal((true, true, false, true), Turns());
        _lock.Leave();
        Assert.Equal((true, true, true, true), Turns());

        (bool, bool, bool, bool) Turns() =>
            (first.IsCompleted, second.IsCompleted, third.IsCompleted, urgent.IsCompleted);
    }

    [Fact]
    public void A_second_turn_comes_last_but_not_after_the_longest_wait()
    {
        _ = _lock.EnterAsync(receives: 2);
        var again = _lock.EnterAgainAsync();
        var other = _lock.EnterAsync(receives: 2);
        var later = _lock.EnterAsync(receives: 2);

        _lock.Leave();
        Assert.Equal((false, true, false), (again.IsCompleted, other.IsCompleted, later.IsCompleted));
        _time.Pass(TimeSpan.FromSeconds(30));
        _lock.Leave();
        Assert.Equal((true, false), (again.IsCompleted, later.IsCompleted));
        _lock.Leave();
        Assert.True(later.IsCompleted);
    }

    [Fact]
    public void A_free_lock_is_entered_at_once()
    {
        Assert.True(_lock.EnterAsync(receives: 2).IsCompleted);
        _lock.Leave();
        Assert.True(_lock.EnterAsync(receives: 2).IsCompleted);
    }
}
