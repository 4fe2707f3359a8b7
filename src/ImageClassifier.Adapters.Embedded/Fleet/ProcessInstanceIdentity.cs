using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>
/// This process as an instance of a <see cref="ProcessFleet"/>. It holds the instance's lock file until it is disposed
/// of or the process is gone, and watches the fleet's table for what is asked of it.
/// </summary>
public sealed class ProcessInstanceIdentity : IInstanceIdentity, IAsyncDisposable
{
    // Someone who looks whether the lock is free holds it for a moment.
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

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

    /// <summary>Cancelled when the fleet wants this instance gone, whatever it does: the process ends at once, without
    /// draining.</summary>
    public CancellationToken TerminateRequested { get; }

    /// <summary>Becomes an instance: takes its lock, enters it in the table if it was started by hand, and watches for
    /// what is asked of it. What was asked before is known when this returns.</summary>
    /// <param name="layout">Where things are.</param>
    /// <param name="id">The instance's name.</param>
    /// <param name="time">Measures waits, and nothing else.</param>
    /// <param name="cancellation">Gives up starting.</param>
    /// <exception cref="InvalidSettingException">A live process has that name already.</exception>
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
            await identity.LookAsync(cancellation);
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
    /// <remarks>A life has one direction: a state that it has passed is ignored. Throws <see cref="IOException"/> when
    /// the table cannot be used.</remarks>
    public Task ReportAsync(InstanceState state, CancellationToken cancellation) =>
        _table.CallAsync(table => table.Advance(Id, state), cancellation);

    /// <inheritdoc />
    public Task EndAsync(CancellationToken cancellation) => ReportAsync(InstanceState.Ended, cancellation);

    /// <summary>Stops watching and releases the lock: to the fleet this instance is gone.</summary>
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
            if (time.GetElapsedTime(started) >= LockPatience)
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
                await LookAsync(_disposed.Token);
            }
            catch (Exception failure) when (failure is IOException or OperationCanceledException)
            {
                // The table is busy, or this is being disposed of; it is looked at again unless it is.
            }

            await ring.WaitAsync(LookInterval, _time, _disposed.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        var wishes = await _table.CallAsync(table => table.WishesFor(Id), cancellation);
        if (wishes.Drain) await _drain.CancelAsync();
        if (wishes.Terminate) await _terminate.CancelAsync();
    }
}
