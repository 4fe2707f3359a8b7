using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ImageClassifier.Host.CommandLine;

/// <summary>Turns Ctrl-C and SIGTERM into a cancellation token, for verbs without a host. A second signal ends the
/// process at once.</summary>
public sealed class StopSignals : IDisposable
{
    // The command <c>timeout</c> sends its signal twice at once: to the process, and to its group.
    private static readonly TimeSpan Together = TimeSpan.FromSeconds(1);

    // Registrations that nobody refers to end with the next garbage collection.
    private static readonly ConcurrentBag<PosixSignalRegistration[]> Kept = [];

    // Never disposed of: a signal may be about to cancel it. It holds nothing.
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
        lock (_lock)
        {
            // The process is about to end. The second of two signals must not take its exit code away.
            if (_firstAt is not null)
            {
                Kept.Add(_registrations);
                return;
            }
        }

        foreach (var registration in _registrations) registration.Dispose();
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
