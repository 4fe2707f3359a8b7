using ImageClassifier.Node.Polling;
using ImageClassifier.Tests.Embedded;
using Xunit;

namespace ImageClassifier.Tests.Node;

public sealed class SuspectLineSpecs
{
    private readonly MovableTime _time = new();
    private readonly SuspectLine _line;

    public SuspectLineSpecs() => _line = new SuspectLine(_time);

    [Fact]
    public void One_has_its_turn_at_a_time_and_the_one_with_the_most_receives_is_next()
    {
        var first = _line.EnterAsync(receives: 2);
        var second = _line.EnterAsync(receives: 2);
        var third = _line.EnterAsync(receives: 2);
        var urgent = _line.EnterAsync(receives: 5);
        Assert.Equal((true, false, false, false), Turns());

        _line.Leave();
        Assert.Equal((true, false, false, true), Turns());
        _line.Leave();
        Assert.Equal((true, true, false, true), Turns());
        _line.Leave();
        Assert.Equal((true, true, true, true), Turns());

        (bool, bool, bool, bool) Turns() =>
            (first.IsCompleted, second.IsCompleted, third.IsCompleted, urgent.IsCompleted);
    }

    [Fact]
    public void One_that_has_had_a_turn_goes_last_but_not_for_ever()
    {
        _ = _line.EnterAsync(receives: 2);
        var again = _line.EnterAgainAsync();
        var other = _line.EnterAsync(receives: 2);
        var later = _line.EnterAsync(receives: 2);

        _line.Leave();
        Assert.Equal((false, true, false), (again.IsCompleted, other.IsCompleted, later.IsCompleted));
        _time.Pass(TimeSpan.FromSeconds(30));
        _line.Leave();
        Assert.Equal((true, false), (again.IsCompleted, later.IsCompleted));
        _line.Leave();
        Assert.True(later.IsCompleted);
    }

    [Fact]
    public void When_all_have_left_the_next_enters_at_once()
    {
        Assert.True(_line.EnterAsync(receives: 2).IsCompleted);
        _line.Leave();
        Assert.True(_line.EnterAsync(receives: 2).IsCompleted);
    }
}
