namespace ImageClassifier.Streams;

/// <summary>Limits that time in which the process was paused does not use up: a suspended machine, SIGSTOP.</summary>
public static class AwakeTime
{
    // A pause, however long, uses up one of them.
    private const int Slices = 20;

    /// <summary>Awaits a task for so much of the time in which the process runs.</summary>
    /// <exception cref="TimeoutException">The task is not done within it.</exception>
    public static async Task<T> WaitAwakeAsync<T>(this Task<T> task, TimeSpan limit, TimeProvider time)
    {
        for (var slice = 0; slice < Slices && !task.IsCompleted; slice++)
            await ((Task)task).WaitAsync(limit / Slices, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!task.IsCompleted) throw new TimeoutException($"There was no answer within {limit}.");
        return await task.ConfigureAwait(false);
    }
}
