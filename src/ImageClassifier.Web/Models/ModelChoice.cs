using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Models;

/// <summary>Chooses the models of new batches. It keeps the registry's state for a few seconds. If the registry cannot be
/// read, the last known state holds. If no state is known, no model is chosen: a wrong model would give wrong
/// results.</summary>
internal sealed class ModelChoice(IObjectStore store, TimeProvider time, ILogger<ModelChoice> log)
{
    /// <summary>A new rollout reaches new batches after this time at the latest. An upload a second then costs few more
    /// calls to the store.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(5);

    /// <summary>All uploads wait for one read. A call that hangs must not block them for ever.</summary>
    public static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(10);

    // The fleet is shown without the rollout rather than late.
    private static readonly TimeSpan ShowLimit = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Task<RegistryState>? _read;
    private long _readAt;
    private volatile RegistryState? _known;

    // An outage can last for an hour, so the log names it once.
    private bool _isFailing;

    /// <summary>The model of a new batch.</summary>
    /// <exception cref="IOException">The registry cannot be read, and no earlier state of it is known.</exception>
    public async Task<ChosenModel> ForAsync(BatchId batch, CancellationToken cancellation)
    {
        var state = await CurrentAsync().WaitAsync(cancellation);
        return state.For(batch);
    }

    /// <summary>The state to show: the last known one if the store is slow, null if none is known.</summary>
    public async Task<RegistryState?> ShownAsync(CancellationToken cancellation)
    {
        try
        {
            return await CurrentAsync().WaitAsync(ShowLimit, time, cancellation);
        }
        catch (Exception failure) when (failure is IOException or TimeoutException)
        {
            return _known;
        }
    }

    private Task<RegistryState> CurrentAsync()
    {
        lock (_lock)
        {
            var isUnderWay = _read is { IsCompleted: false };
            var isFresh = _read is { IsCompletedSuccessfully: true } && time.GetElapsedTime(_readAt) < KeptFor;
            if (isUnderWay || isFresh) return _read!;
            _readAt = time.GetTimestamp();
            return _read = Task.Run(ReadAsync);
        }
    }

    private async Task<RegistryState> ReadAsync()
    {
        using var limit = new CancellationTokenSource(ReadLimit, time);
        try
        {
            _known = await RegistryState.ReadAsync(store, limit.Token).WaitAsync(limit.Token);
            if (_isFailing) log.LogInformation("The registry of models can be read again");
            _isFailing = false;
            return _known;
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            var cause = failure as IOException ?? new IOException(
                $"The registry of models was not read within {ReadLimit.TotalSeconds:0} s.", failure);
            NoteFailure(cause);
            return _known ?? throw cause;
        }
    }

    private void NoteFailure(IOException cause)
    {
        if (_isFailing) return;
        _isFailing = true;
        log.LogWarning("The registry of models cannot be read, so {Consequence}: {Cause}",
            _known is null ? "no upload is accepted" : "new batches get the models that it named last", cause.Message);
    }
}
