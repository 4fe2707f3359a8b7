using System.Globalization;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing.Fakes;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>A fleet of simulated machines. It records which instances were alive when.</summary>
internal sealed class SimulatedFleet(World world) : IInstanceFleet
{
    private static readonly TimeSpan MachineStart = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan NeverCameUpEndsAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan EndedShownFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan UnansweredShowAfter = TimeSpan.FromSeconds(30);

    // The cloud is polled this seldom, so its report can be this old. Launched instances are known at once.
    private static readonly TimeSpan DescribeInterval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<InstanceId, FleetInstance> _described = [];
    private DateTimeOffset _describedAt;
    private readonly List<SimulatedInstance> _instances = [];
    private readonly List<LaunchCall> _calls = [];
    private readonly Dictionary<string, IReadOnlyList<InstanceId>> _launchedByToken = [];
    private int _living;

    /// <summary>The capacity in instances.</summary>
    public int Capacity { get; set; } = int.MaxValue;

    /// <summary>How many instances are alive.</summary>
    public int Living => Volatile.Read(ref _living);

    /// <summary>The most instances that were ever alive at once.</summary>
    public int MostLiving { get; private set; }

    /// <summary>All instances in launch order.</summary>
    public IReadOnlyList<SimulatedInstance> Instances
    {
        get
        {
            lock (_lock) return [.. _instances];
        }
    }

    /// <summary>The launch calls.</summary>
    public IReadOnlyList<LaunchCall> Calls
    {
        get
        {
            lock (_lock) return [.. _calls];
        }
    }

    public async Task<LaunchOutcome> LaunchAsync(int count, string clientToken, CancellationToken cancellation)
    {
        var answer = Launch(count, clientToken);
        // The launch happens before it is answered.
        await Task.Delay(world.Settings.LaunchCall, world.Time, cancellation);
        return answer ?? throw new IOException("The fleet did not answer.");
    }

    public Task<IReadOnlyList<InstanceId>> FindLaunchedAsync(string clientToken, CancellationToken cancellation)
    {
        lock (_lock)
        {
            var launched = _launchedByToken.GetValueOrDefault(clientToken, []);
            return Task.FromResult<IReadOnlyList<InstanceId>>(
                [.. _instances.Where(IsShown).Select(instance => instance.Id).Intersect(launched)]);
        }
    }

    public Task<IReadOnlyList<FleetInstance>> DescribeAsync(CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (world.Now - _describedAt >= DescribeInterval)
            {
                _describedAt = world.Now;
                _described.Clear();
            }

            foreach (var instance in _instances.Where(IsShown))
                _described.TryAdd(instance.Id, instance.Describe(MachineStart));
            return Task.FromResult<IReadOnlyList<FleetInstance>>([.. _described.Values]);
        }
    }

    public Task TerminateAsync(IReadOnlyCollection<InstanceId> instances, CancellationToken cancellation)
    {
        foreach (var instance in Instances.Where(instance => instances.Contains(instance.Id)))
            instance.Kill(InstanceEnd.Terminated);
        return Task.CompletedTask;
    }

    private bool IsShown(SimulatedInstance instance) =>
        (instance.IsAnswered || world.Now - instance.LaunchedAt >= UnansweredShowAfter)
        && (instance.EndedAt is not { } endedAt || world.Now - endedAt < EndedShownFor);

    /// <summary>Counts an instance that has ended.</summary>
    public void Ended() => Interlocked.Decrement(ref _living);

    /// <summary>Null stands for a call without an answer.</summary>
    private LaunchOutcome? Launch(int count, string clientToken)
    {
        lock (_lock)
        {
            var draws = Draws.Of(world.Settings.Seed, Drawn.Launches, _calls.Count);
            _calls.Add(new LaunchCall(count, clientToken, world.Now));
            if (draws.NextDouble() < world.Settings.FailedLaunchShare) return null;
            var isAnswered = draws.NextDouble() >= world.Settings.LostAnswerShare;
            var outcome = LaunchOnce(count, clientToken);
            foreach (var instance in _instances.Where(instance => outcome.Launched.Contains(instance.Id)))
                instance.IsAnswered = isAnswered;
            return isAnswered ? outcome : null;
        }
    }

    private LaunchOutcome LaunchOnce(int count, string clientToken)
    {
        if (_launchedByToken.TryGetValue(clientToken, out var before)) return new LaunchOutcome(before, null);
        var room = Math.Clamp(Capacity - _living, 0, count);
        InstanceId[] launched = [.. Enumerable.Range(0, room).Select(_ => Launch())];
        if (room > 0) _launchedByToken[clientToken] = launched;
        return new LaunchOutcome(launched, room < count ? "there is no capacity" : null);
    }

    private InstanceId Launch()
    {
        var number = _instances.Count;
        var id = InstanceId.Parse(string.Create(CultureInfo.InvariantCulture, $"i-{number + 1}"));
        var instance = new SimulatedInstance(id, this, world);
        _instances.Add(instance);
        MostLiving = Math.Max(MostLiving, Interlocked.Increment(ref _living));
        var draws = Draws.Of(world.Settings.Seed, Drawn.Boot, number);
        var boot = world.Settings.Boot.Draw(draws);
        if (draws.NextDouble() < world.Settings.NeverCameUpShare)
            world.After(NeverCameUpEndsAfter, () => instance.Kill(InstanceEnd.NeverCameUp));
        else
            world.After(boot, instance.StartNode);
        if (world.Settings.MeanLifetime is { } mean)
        {
            var life = -mean * Math.Log(1 - Draws.Of(world.Settings.Seed, Drawn.Deaths, number).NextDouble());
            world.After(life, () => instance.Kill(InstanceEnd.Killed));
        }

        return id;
    }
}
