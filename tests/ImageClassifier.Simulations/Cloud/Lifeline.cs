namespace ImageClassifier.Simulations.Cloud;

/// <summary>What ties a program to the world. Once it is cut, as by SIGKILL, no call of it does anything or is ever
/// answered, and answers that were under way do not arrive.</summary>
internal sealed class Lifeline
{
    private readonly CancellationTokenSource _cut = new();

    /// <summary>Whether it is cut.</summary>
    public bool IsCut => _cut.IsCancellationRequested;

    /// <summary>Cuts it.</summary>
    public void Cut() => _cut.Cancel();

    /// <summary>Does something when it is cut.</summary>
    public void WhenCut(Action action) => _cut.Token.Register(action);

    /// <summary>Makes a call.</summary>
    public async Task<T> CallAsync<T>(Func<Task<T>> call)
    {
        if (IsCut) return await Never<T>();
        var answer = await call();
        return IsCut ? await Never<T>() : answer;
    }

    /// <summary>Makes a call.</summary>
    public Task CallAsync(Func<Task> call) => CallAsync(async () =>
    {
        await call();
        return true;
    });

    private static Task<T> Never<T>() => new TaskCompletionSource<T>().Task;
}
