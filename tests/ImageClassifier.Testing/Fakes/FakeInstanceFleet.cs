using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Testing.Fakes;

/// <summary>The arguments of a launch.</summary>
public sealed record LaunchCall(int Count, string ClientToken, DateTimeOffset At);

/// <summary>A fleet whose instances change only by the test: they stay pending until it moves them on.</summary>
/// <param name="time">The fleet's clock.</param>
public sealed class FakeInstanceFleet(TimeProvider time) : IInstanceFleet
{
    private static readonly TimeSpan RememberEnded = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly List<FleetInstance> _instances = [];
    private readonly Dictionary<string, InstanceId[]> _launchedByToken = [];
    private readonly List<LaunchCall> _launches = [];
    private readonly List<InstanceId> _terminated = [];
    private readonly Queue<Exception> _launchFailures = [];
    private readonly Queue<Exception> _describeFailures = [];
    private int _last;

    /// <summary>The most live instances. A launch beyond it falls short and reports why.</summary>
    public int Capacity { get; set; } = int.MaxValue;

    /// <summary>True if launched instances show in a description. A real fleet may lag behind.</summary>
    public bool ShowsLaunches { get; set; } = true;

    /// <summary>Awaited before a launch is made.</summary>
    public Func<Task>? BeforeLaunch { get; set; }

    /// <summary>Awaited after a launch was made, before it is answered. It may lose the answer.</summary>
    public Func<Task>? AfterLaunch { get; set; }

    /// <summary>The requested launches, including failed and repeated ones.</summary>
    public IReadOnlyList<LaunchCall> Launches
    {
        get
        {
            lock (_lock) return _launches.ToArray();
        }
    }

    /// <summary>The instances that were terminated from outside.</summary>
    public IReadOnlyList<InstanceId> Terminated
    {
        get
        {
            lock (_lock) return _terminated.ToArray();
        }
    }

    /// <summary>The live instances.</summary>
    public IReadOnlyList<FleetInstance> Living
    {
        get
        {
            lock (_lock) return _instances.Where(instance => instance.State != InstanceState.Ended).ToArray();
        }
    }

    /// <summary>Makes the next launches fail.</summary>
    public void FailLaunches(int times = 1, Exception? failure = null) => Fail(_launchFailures, times, failure);

    /// <summary>Makes the next descriptions fail.</summary>
    public void FailDescribes(int times = 1, Exception? failure = null) => Fail(_describeFailures, times, failure);

    /// <summary>Moves an instance to its next state.</summary>
    public void Move(InstanceId id, InstanceState state)
    {
        lock (_lock) MoveLocked(id, state);
    }

    /// <summary>Moves all live instances to their next state.</summary>
    public void MoveAll(InstanceState state)
    {
        foreach (var instance in Living) Move(instance.Id, state);
    }

    public async Task<LaunchOutcome> LaunchAsync(int count, string clientToken, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (BeforeLaunch is { } before) await before();
        var outcome = LaunchOnce(count, clientToken);
        if (AfterLaunch is { } after) await after();
        return outcome;
    }

    public Task<IReadOnlyList<InstanceId>> FindLaunchedAsync(string clientToken, CancellationToken cancellation)
    {
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyList<InstanceId>>(
                [.. _launchedByToken.GetValueOrDefault(clientToken, []).Intersect(Shown().Select(instance => instance.Id))]);
        }
    }

    public Task<IReadOnlyList<FleetInstance>> DescribeAsync(CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (_describeFailures.TryDequeue(out var failure))
                return Task.FromException<IReadOnlyList<FleetInstance>>(failure);
            return Task.FromResult<IReadOnlyList<FleetInstance>>(Shown());
        }
    }

    public Task TerminateAsync(IReadOnlyCollection<InstanceId> instances, CancellationToken cancellation)
    {
        lock (_lock)
        {
            _terminated.AddRange(instances);
            foreach (var id in instances) MoveLocked(id, InstanceState.Ended);
        }

        return Task.CompletedTask;
    }

    private LaunchOutcome LaunchOnce(int count, string clientToken)
    {
        lock (_lock)
        {
            _launches.Add(new LaunchCall(count, clientToken, time.GetUtcNow()));
            if (_launchFailures.TryDequeue(out var failure)) throw failure;
            if (_launchedByToken.TryGetValue(clientToken, out var before)) return new LaunchOutcome(before, null);

            var room = Math.Max(0, Capacity - _instances.Count(instance => instance.State != InstanceState.Ended));
            var launched = Enumerable.Range(0, Math.Min(count, room)).Select(_ => Launch()).ToArray();
            _launchedByToken[clientToken] = launched;
            return new LaunchOutcome(launched, launched.Length < count ? $"There is room for {room}." : null);
        }
    }

    private FleetInstance[] Shown()
    {
        var now = time.GetUtcNow();
        return
        [
            .. _instances
                .Where(instance => ShowsLaunches || instance.State != InstanceState.Pending)
                .Where(instance => instance.EndedAt is null || now - instance.EndedAt < RememberEnded),
        ];
    }

    private InstanceId Launch()
    {
        var id = InstanceId.Parse($"fake-{++_last}");
        _instances.Add(new FleetInstance(id, InstanceState.Pending, time.GetUtcNow(), null, null));
        return id;
    }

    private void MoveLocked(InstanceId id, InstanceState state)
    {
        var index = _instances.FindIndex(instance => instance.Id == id);
        if (index < 0 || _instances[index].State == InstanceState.Ended) return;
        var now = time.GetUtcNow();
        var moved = _instances[index] with { State = state };
        if (state == InstanceState.Running) moved = moved with { RunningAt = moved.RunningAt ?? now };
        if (state == InstanceState.Ended) moved = moved with { EndedAt = now };
        _instances[index] = moved;
    }

    private void Fail(Queue<Exception> failures, int times, Exception? failure)
    {
        lock (_lock)
        {
            for (var i = 0; i < times; i++)
                failures.Enqueue(failure ?? new IOException("The test made the fleet fail."));
        }
    }
}
