using System.Collections.Concurrent;
using System.ComponentModel;
using System.Security.Cryptography;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>
/// A fleet of child processes. Its state is a table below the data folder, and the lock file of each process shows
/// whether the instance lives. So the fleet also knows the nodes of an earlier web tier, and sees when a node was
/// killed. The times that it shows come from the table's clock. Durations are measured by this process.
/// </summary>
/// <remarks>Calls throw <see cref="IOException"/> if the table cannot be used. Nodes outlive this object and this
/// process, unless <see cref="StopAsync"/> ends them.</remarks>
public sealed class ProcessFleet : IInstanceFleet, IAsyncDisposable
{
    private const int NameDigits = 12;
    private static readonly TimeSpan EndedShownFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan KillTimeout = TimeSpan.FromSeconds(5);

    // A node that drains until the last moment still needs time to write its state and exit.
    private static readonly TimeSpan DrainMargin = TimeSpan.FromSeconds(5);

    private readonly EmbeddedLayout _layout;
    private readonly ProcessFleetSettings _settings;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly FleetTable _table;
    private readonly ConcurrentDictionary<InstanceId, ChildProcess> _children = new();

    /// <summary>The timestamps at which this fleet began to wait for an instance to come up.</summary>
    private readonly ConcurrentDictionary<InstanceId, long> _bootStartedAt = new();

    /// <summary>The timestamps at which an instance that must end was asked to drain.</summary>
    private readonly ConcurrentDictionary<InstanceId, long> _drainStartedAt = new();

    private readonly ConcurrentDictionary<InstanceId, string> _problems = new();
    private readonly SemaphoreSlim _launching = new(1);
    private volatile bool _stopping;

    /// <summary>Creates a fleet. The first call opens or creates its table.</summary>
    /// <param name="layout">The paths of the data folder.</param>
    /// <param name="settings">How nodes are launched and ended.</param>
    /// <param name="log">Receives the output of the children and the actions of the fleet.</param>
    /// <param name="time">Measures how long nodes take to start, to drain and to end.</param>
    public ProcessFleet(
        EmbeddedLayout layout, ProcessFleetSettings settings, ILogger<ProcessFleet> log, TimeProvider? time = null)
    {
        _layout = layout;
        _settings = settings;
        _log = log;
        _time = time ?? TimeProvider.System;
        _table = new FleetTable(layout);
    }

    /// <inheritdoc />
    public async Task<LaunchOutcome> LaunchAsync(int count, string clientToken, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentException.ThrowIfNullOrEmpty(clientToken);
        await _launching.WaitAsync(cancellation);
        try
        {
            if (_stopping) return new LaunchOutcome([], "The fleet is stopping.");
            var fresh = Enumerable.Range(0, count).Select(_ => NewInstance()).ToArray();
            string? shortfall = null;
            var (instances, areNew) = await _table.CallAsync(
                table => table.Launch(clientToken, fresh, instance => TryStart(instance, out shortfall)), cancellation);
            if (!areNew && instances.Count < count)
                shortfall = $"The first call with this token launched {instances.Count}.";
            return new LaunchOutcome(instances, shortfall);
        }
        finally
        {
            _launching.Release();
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<InstanceId>> FindLaunchedAsync(string clientToken, CancellationToken cancellation) =>
        _table.CallAsync(table => table.LaunchedWith(clientToken), cancellation);

    /// <inheritdoc />
    public async Task<IReadOnlyList<FleetInstance>> DescribeAsync(CancellationToken cancellation)
    {
        var rows = await RefreshAsync(cancellation);
        foreach (var forgotten in _problems.Keys.Except(rows.Select(row => row.Instance.Id)).ToArray())
            _problems.TryRemove(forgotten, out _);
        return rows
            .Select(row => row.Instance with { Problem = _problems.GetValueOrDefault(row.Instance.Id) })
            .ToArray();
    }

    /// <inheritdoc />
    /// <remarks>A node that came up is asked to drain, through the table. It is killed if it lives longer than the
    /// drain time-out plus a margin. A node that never came up has nothing to finish, and is killed at once.</remarks>
    public async Task TerminateAsync(IReadOnlyCollection<InstanceId> instances, CancellationToken cancellation)
    {
        var rows = (await ListAsync(cancellation)).ToDictionary(row => row.Instance.Id);
        foreach (var instance in instances)
        {
            var isUp = rows.GetValueOrDefault(instance) is { CameUp: true, Instance.State: not InstanceState.Ended };
            if (!isUp)
            {
                await KillAsync(instance, cancellation);
                continue;
            }

            // The time to drain starts when the node is asked.
            await _table.CallAsync(table => table.Drain(instance), cancellation);
            _drainStartedAt.TryAdd(instance, _time.GetTimestamp());
        }

        _table.Bell.Ring();
    }

    /// <summary>Kills instances without a drain. Their messages in hand return when the leases end.</summary>
    public async Task EndNowAsync(IReadOnlyCollection<InstanceId> instances, CancellationToken cancellation)
    {
        foreach (var instance in instances) await KillAsync(instance, cancellation);
    }

    /// <summary>Kills an instance. A node of an earlier web tier is asked through the table, and ends itself within
    /// moments.</summary>
    private async Task KillAsync(InstanceId instance, CancellationToken cancellation)
    {
        if (_children.TryGetValue(instance, out var child))
        {
            await child.KillAsync(cancellation);
            await _table.CallAsync(table => table.End(instance), cancellation);
        }
        else
        {
            await _table.CallAsync(table => table.Terminate(instance), cancellation);
            _table.Bell.Ring();
        }
    }

    /// <summary>Asks every live instance to drain: to finish or hand back its messages, and end.</summary>
    public async Task RequestDrainAsync(CancellationToken cancellation)
    {
        await _table.CallAsync(table => table.DrainAll(), cancellation);
        _table.Bell.Ring();
    }

    /// <summary>Asks some instances to drain. An instance that is still starting drains when it comes up, and receives
    /// nothing.</summary>
    public async Task RequestDrainAsync(IReadOnlyCollection<InstanceId> instances, CancellationToken cancellation)
    {
        foreach (var instance in instances) await _table.CallAsync(table => table.Drain(instance), cancellation);
        _table.Bell.Ring();
    }

    /// <summary>Launches no more, asks every instance to drain, and waits until all have ended. Instances that live
    /// after the drain time-out are killed. This includes nodes of an earlier web tier.</summary>
    /// <param name="cancellation">Ends the wait: live instances are then killed at once.</param>
    public async Task StopAsync(CancellationToken cancellation)
    {
        _stopping = true;
        // A launch under way must end first, or its instances would miss the request to drain.
        await _launching.WaitAsync(CancellationToken.None);
        _launching.Release();

        try
        {
            await RequestDrainAsync(CancellationToken.None);
            if (await WaitUntilGoneAsync(_settings.DrainTimeout, cancellation)) return;

            var left = await ListLiveAsync();
            _log.LogWarning("Ending {Count} app nodes that did not drain in time: {Instances}", left.Count, left);
            var kills = Task.WhenAll(left.Select(instance => KillAsync(instance, CancellationToken.None)));
            await kills.WaitAsync(KillTimeout, _time, CancellationToken.None);
            if (await WaitUntilGoneAsync(KillTimeout, CancellationToken.None)) return;
            _log.LogError("App nodes that could not be ended: {Instances}", await ListLiveAsync());
        }
        catch (Exception failure) when (failure is IOException or TimeoutException)
        {
            _log.LogError(failure, "Ending the app nodes failed; the children of this process are killed");
            var kills = _children.Values.Select(child => child.KillAsync(CancellationToken.None));
            await Task.WhenAll(kills).WaitAsync(KillTimeout, _time, CancellationToken.None)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Closes the table and releases the children, which live on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _table.DisposeAsync();
        foreach (var child in _children.Values) child.Dispose();
        _launching.Dispose();
    }

    private bool TryStart(InstanceId instance, out string? shortfall)
    {
        try
        {
            _children[instance] = ChildProcess.Start(_settings.Command.For(_layout, instance), instance, _log);
            shortfall = null;
            return true;
        }
        catch (Exception failure) when (failure is Win32Exception or IOException)
        {
            _log.LogError(failure, "An app node cannot be started with {Program}", _settings.Command.Program);
            shortfall = "The system cannot start a process.";
            return false;
        }
    }

    /// <summary>Corrects the table, and reads it.</summary>
    private async Task<IReadOnlyList<FleetRow>> RefreshAsync(CancellationToken cancellation)
    {
        var rows = await ListAsync(cancellation);
        if (await KillOverdueDrainsAsync(rows, cancellation)) rows = await ListAsync(cancellation);
        var ended = rows.Where(HasEnded).ToArray();
        if (ended.Length > 0)
        {
            // A process that came up has released its lock and is ending. A process that never came up may hang.
            foreach (var row in ended.Where(row => !row.CameUp))
            {
                if (_children.TryGetValue(row.Instance.Id, out var child)) await child.KillAsync(cancellation);
            }

            await _table.CallAsync(table => table.End(ended), cancellation);
            rows = await ListAsync(cancellation);
        }

        foreach (var (instance, child) in _children)
        {
            if (!child.IsFinished || !_children.TryRemove(instance, out _)) continue;
            if (child.Problem() is { } problem) _problems[instance] = problem;
            child.Dispose();
        }

        return rows;
    }

    /// <returns>True if it killed any.</returns>
    private async Task<bool> KillOverdueDrainsAsync(IReadOnlyList<FleetRow> rows, CancellationToken cancellation)
    {
        var anyKilled = false;
        var lives = rows
            .Where(row => row.Instance.State != InstanceState.Ended)
            .Select(row => row.Instance.Id).ToHashSet();
        foreach (var (instance, since) in _drainStartedAt)
        {
            if (!lives.Contains(instance))
            {
                _drainStartedAt.TryRemove(instance, out _);
            }
            else if (_time.GetElapsedTime(since) >= _settings.DrainTimeout + DrainMargin)
            {
                _log.LogWarning("{Instance} did not drain in time and is killed", instance);
                _drainStartedAt.TryRemove(instance, out _);
                await KillAsync(instance, cancellation);
                anyKilled = true;
            }
        }

        return anyKilled;
    }

    private async Task<IReadOnlyList<FleetRow>> ListAsync(CancellationToken cancellation)
    {
        var rows = await _table.CallAsync(table => table.List(EndedShownFor), cancellation);
        var booting = rows.Where(row => !row.CameUp && row.Instance.State != InstanceState.Ended)
            .Select(row => row.Instance.Id).ToHashSet();
        foreach (var instance in booting) _bootStartedAt.TryAdd(instance, _time.GetTimestamp());
        foreach (var known in _bootStartedAt.Keys.Where(id => !booting.Contains(id)))
            _bootStartedAt.TryRemove(known, out _);
        return rows;
    }

    private bool IsOverdue(InstanceId instance) =>
        _bootStartedAt.TryGetValue(instance, out var since) && _time.GetElapsedTime(since) >= _settings.BootTimeout;

    private bool HasEnded(FleetRow row)
    {
        if (row.Instance.State == InstanceState.Ended) return false;
        if (_children.TryGetValue(row.Instance.Id, out var child) && child.HasExited) return true;
        var id = row.Instance.Id;
        return row.CameUp ? ExclusiveFileLock.IsFree(_layout.InstanceLock(id)) : IsOverdue(id);
    }

    private async Task<bool> WaitUntilGoneAsync(TimeSpan within, CancellationToken cancellation)
    {
        var started = _time.GetTimestamp();
        while (true)
        {
            var left = await ListLiveAsync();
            if (left.Count == 0) return true;
            if (cancellation.IsCancellationRequested || _time.GetElapsedTime(started) >= within) return false;
            await Task.Delay(PollInterval, _time, cancellation)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The instances that live by the table, as a process or by their lock. An instance that has marked itself
    /// as ended still needs a moment to exit.</summary>
    private async Task<IReadOnlyList<InstanceId>> ListLiveAsync()
    {
        var rows = await RefreshAsync(CancellationToken.None);
        return rows
            .Where(row => row.Instance.State != InstanceState.Ended
                || !ExclusiveFileLock.IsFree(_layout.InstanceLock(row.Instance.Id)))
            .Select(row => row.Instance.Id)
            .Union(_children.Where(child => !child.Value.HasExited).Select(child => child.Key))
            .ToArray();
    }

    private static InstanceId NewInstance() =>
        InstanceId.Parse($"node-{RandomNumberGenerator.GetHexString(NameDigits, lowercase: true)}");
}
