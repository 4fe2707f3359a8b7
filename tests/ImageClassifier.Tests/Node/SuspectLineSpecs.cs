using ImageClassifier.Node.Polling;
using Xunit;

namespace ImageClassifier.Tests.Node;

public sealed class SuspectLineSpecs
{
    private readonly SuspectLine _line = new();

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
    public void When_all_have_left_the_next_enters_at_once()
    {
        Assert.True(_line.EnterAsync(receives: 2).IsCompleted);
        _line.Leave();
        Assert.True(_line.EnterAsync(receives: 2).IsCompleted);
    }
}
