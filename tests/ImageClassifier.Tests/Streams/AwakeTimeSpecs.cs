using ImageClassifier.Streams;
using ImageClassifier.Testing;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Streams;

public sealed class AwakeTimeSpecs(ITestOutputHelper output) : VirtualTimeSpecs(output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly TaskCompletionSource<int> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task A_task_that_takes_longer_than_its_limit_times_out()
    {
        var waiting = _answer.Task.WaitAwakeAsync(Limit, Time);
        await AdvanceAsync(Limit - TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(100));
        Assert.False(waiting.IsCompleted);

        await AdvanceUntilAsync(() => waiting.IsCompleted, "it is given up");
        await Assert.ThrowsAsync<TimeoutException>(() => waiting);
    }

    [Fact]
    public async Task A_pause_that_is_longer_than_the_limit_uses_up_little_of_it()
    {
        var waiting = _answer.Task.WaitAwakeAsync(Limit, Time);
        // One step, as for a paused process.
        await AdvanceAsync(10 * Limit, 10 * Limit);
        Assert.False(waiting.IsCompleted);

        _answer.SetResult(7);
        Assert.Equal(7, await waiting);
    }

    [Fact]
    public async Task The_exception_of_the_task_is_rethrown()
    {
        var waiting = _answer.Task.WaitAwakeAsync(Limit, Time);
        _answer.SetException(new IOException("It broke."));

        await Assert.ThrowsAsync<IOException>(() => waiting);
    }
}
