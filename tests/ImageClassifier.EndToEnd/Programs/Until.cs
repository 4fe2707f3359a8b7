using System.Diagnostics;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>Waits for something in another process.</summary>
internal static class Until
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(50);

    public static async Task HoldsAsync(Func<Task<bool>> condition, TimeSpan limit, Func<string> otherwise)
    {
        var started = Stopwatch.StartNew();
        while (!await condition())
        {
            if (started.Elapsed > limit) throw new TimeoutException(otherwise());
            await Task.Delay(CheckInterval, TimeProvider.System);
        }
    }

    public static Task HoldsAsync(Func<bool> condition, TimeSpan limit, Func<string> otherwise) =>
        HoldsAsync(() => Task.FromResult(condition()), limit, otherwise);
}
