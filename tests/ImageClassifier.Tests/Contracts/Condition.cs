using System.Diagnostics;
using Xunit;

namespace ImageClassifier.Tests.Contracts;

/// <summary>Waits for a condition, with a time limit.</summary>
public static class Condition
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    public static async Task BecomesTrueAsync(Func<Task<bool>> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < Bound, $"Timed out waiting for this: {what}.");
            await Task.Delay(Pause, TimeProvider.System);
        }
    }

    /// <summary>Waits for a token to be cancelled.</summary>
    public static async Task IsCancelledAsync(CancellationToken token)
    {
        var cancelled = new TaskCompletionSource();
        await using var registration = token.Register(cancelled.SetResult);
        await cancelled.Task.WaitAsync(Bound, CancellationToken.None);
    }
}
