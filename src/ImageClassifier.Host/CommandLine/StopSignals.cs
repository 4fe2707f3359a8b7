using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ImageClassifier.Host.CommandLine;

/// <summary>Turns Ctrl-C and SIGTERM into a cancellation token, for verbs without a host. A second signal ends the
/// process at once.</summary>
public sealed class StopSignals : IDisposable
{
    // The command <c>timeout</c> sends its signal twice at once: to the process, and to its group.
    private static readonly TimeSpan Together = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private long? _firstAt;
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Starts to handle the signals.</summary>
    public StopSignals() =>
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _stop.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        lock (_lock)
        {
            if (_firstAt is { } first && Stopwatch.GetElapsedTime(first) > Together) return;
            context.Cancel = true;
            if (_firstAt is not null) return;
            _firstAt = Stopwatch.GetTimestamp();
        }

        _stop.Cancel();
    }
}
