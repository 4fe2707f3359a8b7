using ImageClassifier.Node.Polling;
using Xunit;

namespace ImageClassifier.Tests.Node;

public sealed class AloneGateSpecs
{
    private readonly AloneGate _gate = new();

    [Fact]
    public async Task Many_enter_together()
    {
        using var one = await _gate.EnterAsync(alone: false);
        using var two = await _gate.EnterAsync(alone: false);
    }

    [Fact]
    public async Task One_alone_waits_for_those_before_it_and_those_after_it_wait_for_it()
    {
        var first = await _gate.EnterAsync(alone: false);
        var alone = _gate.EnterAsync(alone: true);
        var after = _gate.EnterAsync(alone: false);
        var afterToo = _gate.EnterAsync(alone: false);
        Assert.False(alone.IsCompleted);
        Assert.False(after.IsCompleted);

        first.Dispose();
        var pass = await alone;
        Assert.False(after.IsCompleted);

        pass.Dispose();
        await after;
        await afterToo;
    }

    [Fact]
    public async Task Several_alone_go_one_after_the_other()
    {
        var one = await _gate.EnterAsync(alone: true);
        var two = _gate.EnterAsync(alone: true);
        Assert.False(two.IsCompleted);

        one.Dispose();
        (await two).Dispose();
    }

    [Fact]
    public async Task One_that_goes_last_lets_pass_who_is_here_and_who_is_announced()
    {
        var first = await _gate.EnterAsync(alone: true);
        var last = _gate.EnterAsync(alone: true, last: true);
        var second = _gate.EnterAsync(alone: true);
        var coming = _gate.Announce();
        first.Dispose();
        (await second).Dispose();
        Assert.False(last.IsCompleted);

        var third = _gate.EnterAsync(alone: false);
        coming.Dispose();
        coming.Dispose();
        Assert.False(last.IsCompleted);
        (await third).Dispose();
        var pass = await last;
        Assert.False(_gate.EnterAsync(alone: false).IsCompleted);
        pass.Dispose();
    }

    [Fact]
    public async Task One_that_goes_last_waits_for_no_more_than_so_many()
    {
        using var coming = _gate.Announce();
        var last = _gate.EnterAsync(alone: true, last: true);
        var passed = 0;
        while (!last.IsCompleted)
        {
            var one = _gate.EnterAsync(alone: false);
            if (!one.IsCompleted) break;
            passed++;
            (await one).Dispose();
        }

        Assert.Equal(100, passed);
        await last;
    }

    [Fact]
    public async Task Leaving_twice_lets_no_one_in_who_must_wait()
    {
        var one = await _gate.EnterAsync(alone: false);
        using var two = await _gate.EnterAsync(alone: false);
        one.Dispose();
        one.Dispose();

        Assert.False(_gate.EnterAsync(alone: true).IsCompleted);
    }
}
