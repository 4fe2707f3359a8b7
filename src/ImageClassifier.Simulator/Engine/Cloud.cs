namespace ImageClassifier.Simulator.Engine;

/// <summary>Everything that is simulated, by one clock.</summary>
internal sealed class Cloud
{
    // Zero of the simulated clock; any moment would do.
    private static readonly DateTimeOffset Epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // Each purpose draws from numbers of its own, so that two deployments meet the same boots and pictures.
    private const int BootStream = 2;
    private const int ServiceStream = 3;
    private const int FaultStream = 4;
    private const int PauseStream = 5;

    private readonly SeededRandom _boots;
    private readonly SeededRandom _services;
    private readonly SeededRandom _faults;
    private readonly List<int[]> _lost = [];
    private readonly Queue<(SimulatedNode Node, int Picture)> _onTheWay = [];

    /// <summary>Makes it.</summary>
    /// <param name="model">The deployment.</param>
    /// <param name="arrivals">When pictures arrive, in ticks, in order.</param>
    /// <param name="seed">What all that is drawn follows from.</param>
    /// <param name="startsAt">When the clock begins.</param>
    /// <param name="launcher">Makes what launches instances.</param>
    /// <param name="deadline">The run is of no interest once a result takes longer, in ticks.</param>
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

    /// <summary>Where the jitter of pauses comes from.</summary>
    public Random Pauses { get; }

    /// <summary>The simulated clock.</summary>
    public TimeProvider Time { get; }

    public Recorder Recorder { get; }

    /// <summary>The time, as the program's own code takes it.</summary>
    public DateTimeOffset Now => Epoch.AddTicks(Events.Now);

    /// <summary>A moment of that clock in ticks since the load's first second.</summary>
    public static long Ticks(DateTimeOffset moment) => (moment - Epoch).Ticks;

    /// <summary>How long the next picture takes, in ticks; never nothing.</summary>
    public long DrawService() => Math.Max(1, Model.Service.Draw(_services));

    /// <summary>Whether the next launch fails.</summary>
    public bool DrawLaunchFailure() =>
        Model.Faults.LaunchFailure > 0 && _faults.NextDouble() < Model.Faults.LaunchFailure;

    /// <summary>A new instance boots, and perhaps dies.</summary>
    public void ScheduleLife(int node)
    {
        Events.Schedule(Events.Now + Model.Boot.Draw(_boots), EventKind.Booted, node);
        if (Model.Faults.CrashesPerHour <= 0) return;
        var life = TimeSpan.TicksPerHour * _faults.NextExponential() / Model.Faults.CrashesPerHour;
        if (life < TimeSpan.FromDays(3650).Ticks) Events.Schedule(Events.Now + (long)life, EventKind.Crashed, node);
    }

    /// <summary>A result is on its way to the web tier.</summary>
    public void ResultSent(SimulatedNode node, int picture)
    {
        if (Model.ResultDelay <= TimeSpan.Zero)
        {
            ResultCame(node, picture);
            return;
        }

        _onTheWay.Enqueue((node, picture));
        Events.Schedule(Events.Now + Model.ResultDelay.Ticks, EventKind.ResultsArrived);
    }

    /// <summary>The result that was sent first reaches the web tier.</summary>
    public void OnResultArrived()
    {
        var (node, picture) = _onTheWay.Dequeue();
        ResultCame(node, picture);
    }

    /// <summary>Pictures come back when their leases run out. Leases are renewed past two thirds, so a third to all of
    /// one is left.</summary>
    public void LoseUntilLeasesRunOut(int[] pictures)
    {
        var left = Model.Polling.Lease.Ticks * (1 + 2 * _faults.NextDouble()) / 3;
        _lost.Add(pictures);
        Events.Schedule(Events.Now + (long)left, EventKind.LeasesOver, stamp: _lost.Count - 1);
    }

    /// <summary>The leases of a dead node have run out.</summary>
    public void OnLeasesOver(int which)
    {
        var pictures = _lost[which];
        _lost[which] = [];
        Queue.Return(pictures);
    }

    private void ResultCame(SimulatedNode node, int picture)
    {
        Recorder.ResultCame(picture, Events.Now);
        Launcher.JobDone(node.Shown.Id);
    }

    private sealed class SimulatedTime(Cloud cloud) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => cloud.Now;
    }
}
