namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>The pause for which the service asked with <c>Retry-After</c>. It holds for all requests.</summary>
internal sealed class ServerPause(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly long _start = time.GetTimestamp();
    private TimeSpan _until;

    /// <summary>Begins a pause, or makes it longer.</summary>
    public void Ask(TimeSpan length)
    {
        lock (_lock)
        {
            var until = time.GetElapsedTime(_start) + length;
            if (until > _until) _until = until;
        }
    }

    /// <summary>Waits until the pause is over.</summary>
    public async Task OverAsync(CancellationToken cancellation)
    {
        while (Left() is var left && left > TimeSpan.Zero) await Task.Delay(left, time, cancellation);
    }

    private TimeSpan Left()
    {
        lock (_lock) return _until - time.GetElapsedTime(_start);
    }
}
