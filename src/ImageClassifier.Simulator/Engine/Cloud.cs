using ImageClassifier.Simulator.Loads;

namespace ImageClassifier.Simulator.Engine;

/// <summary>All simulated parts, on one clock.</summary>
internal sealed class Cloud
{
    // The zero of the simulated clock. Any time would do.
    private static readonly DateTimeOffset Epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // Each purpose has its own random numbers, so that two deployments get the same boots and pictures.
    private const int BootStream = 2;
    private const int ServiceStream = 3;
    private const int FaultStream = 4;
    private const int PauseStream = 5;

    private readonly SeededRandom _boots;
    private readonly SeededRandom _services;
    private readonly SeededRandom _faults;
    private readonly List<int[]> _lost = [];
    private readonly Queue<(SimulatedNode Node, int Picture)> _onTheWay = [];

    /// <summary>Creates the cloud.</summary>
    /// <param name="model">The deployment.</param>
    /// <param name="arrivals">The arrivals of the pictures, in ticks, in order.</param>
    /// <param name="seed">The seed of all random numbers.</param>
    /// <param name="startsAt">The start of the clock.</param>
    /// <param name="launcher">Creates the launcher of instances.</param>
    /// <param name="deadline">The run may stop once a result takes longer, in ticks.</param>
    public Cloud(SimulationModel model, long[] arrivals, int seed, long startsAt, Func<Cloud, ILauncher> launcher,
        long deadline = long.MaxValue)
    {
        Model = model;
        _boots = new SeededRandom(seed, BootStream);
        _services = new SeededRandom(seed, ServiceStream);
        _faults = new SeededRandom(seed, FaultStream);
        Events = new EventQueue(startsAt);
        Queue = new RequestQueue(Events, model.CountsLag);
        Fleet = new SimulatedFleet(this);
        Recorder = new Recorder(arrivals, deadline);
        Time = new SimulatedTime(this);
        Pauses = new SeededRandom(seed, PauseStream);
        Launcher = launcher(this);
    }

    public SimulationModel Model { get; }

    public EventQueue Events { get; }

    public RequestQueue Queue { get; }

    public SimulatedFleet Fleet { get; }

    public ILauncher Launcher { get; }

    /// <summary>The random numbers for the jitter of pauses.</summary>
    public Random Pauses { get; }

    /// <summary>The simulated clock.</summary>
    public TimeProvider Time { get; }

    public Recorder Recorder { get; }

    /// <summary>The time, in the form that the program's own code uses.</summary>
    public DateTimeOffset Now => Epoch.AddTicks(Events.Now);

    /// <summary>Converts a time of that clock to ticks since the start of the load.</summary>
    public static long Ticks(DateTimeOffset moment) => (moment - Epoch).Ticks;

    /// <summary>Draws the time for the next picture, in ticks; never zero.</summary>
    public long DrawService() => Math.Max(1, Model.Service.Draw(_services));

    /// <summary>Draws whether the next launch fails.</summary>
    public bool DrawLaunchFailure() =>
        Model.Faults.LaunchFailure > 0 && _faults.NextDouble() < Model.Faults.LaunchFailure;

    /// <summary>Schedules the boot of a new instance, and perhaps its death.</summary>
    public void ScheduleLife(int node)
    {
        Events.Schedule(Events.Now + Model.Boot.Draw(_boots), EventKind.Booted, node);
        if (Model.Faults.CrashesPerHour <= 0) return;
        var life = TimeSpan.TicksPerHour * _faults.NextExponential() / Model.Faults.CrashesPerHour;
        if (life < TimeSpan.FromDays(3650).Ticks) Events.Schedule(Events.Now + (long)life, EventKind.Crashed, node);
    }

    /// <summary>Sends a result to the web tier.</summary>
    public void ResultSent(SimulatedNode node, int picture)
    {
        if (Model.ResultDelay <= TimeSpan.Zero)
        {
            OnResult(node, picture);
            return;
        }

        _onTheWay.Enqueue((node, picture));
        Events.Schedule(Events.Now + Model.ResultDelay.Ticks, EventKind.ResultsArrived);
    }

    /// <summary>The oldest sent result reaches the web tier.</summary>
    public void OnResultArrived()
    {
        var (node, picture) = _onTheWay.Dequeue();
        OnResult(node, picture);
    }

    /// <summary>Returns pictures when their leases end. Leases are renewed after two thirds, so between a third of a
    /// lease and a whole lease is left.</summary>
    public void ReturnAfterLeases(int[] pictures)
    {
        var left = Model.Polling.Lease.Ticks * (1 + 2 * _faults.NextDouble()) / 3;
        _lost.Add(pictures);
        Events.Schedule(Events.Now + (long)left, EventKind.LeasesOver, stamp: _lost.Count - 1);
    }

    /// <summary>The leases of a dead node have ended.</summary>
    public void OnLeasesOver(int which)
    {
        var pictures = _lost[which];
        _lost[which] = [];
        Queue.Return(pictures);
    }

    private void OnResult(SimulatedNode node, int picture)
    {
        Recorder.OnResult(picture, Events.Now);
        Launcher.JobDone(node.Shown.Id);
    }

    private sealed class SimulatedTime(Cloud cloud) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => cloud.Now;
    }
}
