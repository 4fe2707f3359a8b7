namespace ImageClassifier.Streams;

/// <summary>Time-outs that a pause of the process (a suspended machine, SIGSTOP) does not use up.</summary>
public static class AwakeTime
{
    // A pause uses up at most one slice, however long it is.
    private const int Slices = 20;

    /// <summary>Awaits a task for a limit of time in which the process runs.</summary>
    /// <exception cref="TimeoutException">The task did not complete within the limit.</exception>
    public static async Task<T> WaitAwakeAsync<T>(this Task<T> task, TimeSpan limit, TimeProvider time)
    {
        for (var slice = 0; slice < Slices && !task.IsCompleted; slice++)
            await ((Task)task).WaitAsync(limit / Slices, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!task.IsCompleted) throw new TimeoutException($"There was no answer within {limit}.");
        return await task.ConfigureAwait(false);
    }
}
