namespace ImageClassifier.Simulations.Cloud;

/// <summary>Connects a program to the simulated world. Once cut, as by SIGKILL, its calls do nothing and are never
/// answered, and open calls get no answer either.</summary>
internal sealed class Lifeline
{
    private readonly CancellationTokenSource _cut = new();

    /// <summary>Whether the program is cut off.</summary>
    public bool IsCut => _cut.IsCancellationRequested;

    /// <summary>Cuts the program off.</summary>
    public void Cut() => _cut.Cancel();

    /// <summary>Registers an action for the cut.</summary>
    public void WhenCut(Action action) => _cut.Token.Register(action);

    /// <summary>Makes a call, unless the program is cut off.</summary>
    public async Task<T> CallAsync<T>(Func<Task<T>> call)
    {
        if (IsCut) return await Never<T>();
        var answer = await call();
        return IsCut ? await Never<T>() : answer;
    }

    /// <summary>Makes a call, unless the program is cut off.</summary>
    public Task CallAsync(Func<Task> call) => CallAsync(async () =>
    {
        await call();
        return true;
    });

    private static Task<T> Never<T>() => new TaskCompletionSource<T>().Task;
}
