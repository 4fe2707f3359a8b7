using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>
/// This process as an instance of a <see cref="ProcessFleet"/>. It holds the instance's lock file until it is disposed
/// of or the process ends, and watches the fleet's table for requests.
/// </summary>
public sealed class ProcessInstanceIdentity : IInstanceIdentity, IAsyncDisposable
{
    // A check whether the lock is free holds it for a moment.
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(20);

    private readonly ExclusiveFileLock _lock;
    private readonly FleetTable _table;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _drain = new();
    private readonly CancellationTokenSource _terminate = new();
    private readonly CancellationTokenSource _disposed = new();
    private Task _watching = Task.CompletedTask;
    private bool _isDisposed;

    private ProcessInstanceIdentity(InstanceId id, ExclusiveFileLock taken, FleetTable table, TimeProvider time)
    {
        Id = id;
        _lock = taken;
        _table = table;
        _time = time;
        DrainRequested = _drain.Token;
        TerminateRequested = _terminate.Token;
    }

    /// <inheritdoc />
    public InstanceId Id { get; }

    /// <inheritdoc />
    public CancellationToken DrainRequested { get; }

    /// <summary>Cancelled when the fleet wants this instance to terminate: the process ends at once, without a
    /// drain.</summary>
    public CancellationToken TerminateRequested { get; }

    /// <summary>Becomes an instance: takes its lock, enters itself in the table, and watches for requests. Earlier
    /// requests are known when this returns.</summary>
    /// <param name="layout">The paths of the data folder.</param>
    /// <param name="id">The id of the instance.</param>
    /// <param name="time">Measures waits.</param>
    /// <param name="cancellation">Cancels the start.</param>
    /// <exception cref="InvalidSettingException">A live process has this id.</exception>
    /// <exception cref="IOException">The table cannot be used.</exception>
    public static async Task<ProcessInstanceIdentity> StartAsync(
        EmbeddedLayout layout, InstanceId id, TimeProvider? time, CancellationToken cancellation)
    {
        var clock = time ?? TimeProvider.System;
        var taken = await TakeLockAsync(layout, id, clock, cancellation);
        var identity = new ProcessInstanceIdentity(id, taken, new FleetTable(layout), clock);
        try
        {
            await identity._table.CallAsync(table => table.ComeUp(id), cancellation);
            await identity.ReadRequestsAsync(cancellation);
        }
        catch
        {
            await identity.DisposeAsync();
            throw;
        }

        identity._watching = Task.Run(identity.WatchAsync, CancellationToken.None);
        return identity;
    }

    /// <inheritdoc />
    /// <remarks>States only move forward: an earlier state is ignored. Throws <see cref="IOException"/> if the table
    /// cannot be used.</remarks>
    public Task ReportAsync(InstanceState state, CancellationToken cancellation) =>
        _table.CallAsync(table => table.Advance(Id, state), cancellation);

    /// <inheritdoc />
    public Task EndAsync(CancellationToken cancellation) => ReportAsync(InstanceState.Ended, cancellation);

    /// <summary>Stops watching and releases the lock. For the fleet, this instance is then gone.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, true)) return;
        await _disposed.CancelAsync();
        await _watching;
        await _table.DisposeAsync();
        _lock.Dispose();
        _drain.Dispose();
        _terminate.Dispose();
        _disposed.Dispose();
    }

    private static async Task<ExclusiveFileLock> TakeLockAsync(
        EmbeddedLayout layout, InstanceId id, TimeProvider time, CancellationToken cancellation)
    {
        Directory.CreateDirectory(layout.Instances);
        var path = layout.InstanceLock(id);
        var started = time.GetTimestamp();
        while (true)
        {
            if (ExclusiveFileLock.TryTake(path) is { } taken) return taken;
            if (time.GetElapsedTime(started) >= LockTimeout)
                throw new InvalidSettingException("--instance", id.Value, "a running node has this name already");
            await Task.Delay(LockPause, time, cancellation);
        }
    }

    private async Task WatchAsync()
    {
        while (!_disposed.IsCancellationRequested && !_terminate.IsCancellationRequested)
        {
            var ring = _table.Bell.NextRing();
            try
            {
                await ReadRequestsAsync(_disposed.Token);
            }
            catch (Exception failure) when (failure is IOException or OperationCanceledException)
            {
                // The table is busy, or this object is being disposed of. Unless it is, the next turn of the loop tries
                // again.
            }

            await ring.WaitAsync(_table.Bell.PollInterval, _time, _disposed.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReadRequestsAsync(CancellationToken cancellation)
    {
        var requests = await _table.CallAsync(table => table.RequestsFor(Id), cancellation);
        if (requests.Drain) await _drain.CancelAsync();
        if (requests.Terminate) await _terminate.CancelAsync();
    }
}
