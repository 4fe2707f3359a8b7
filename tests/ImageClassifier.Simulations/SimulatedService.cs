using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node;
using ImageClassifier.Simulations.Cloud;
using ImageClassifier.Simulations.Time;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Supervision;

namespace ImageClassifier.Simulations;

/// <summary>One run of a scenario: the production actors of both tiers in virtual time, on a simulated cloud.</summary>
internal sealed class SimulatedService
{
    private const int FilesOfAnUpload = 1000;
    private const string Picture = "cat";
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Afterwards = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan VirtualLimit = TimeSpan.FromHours(3);
    private static readonly TimeSpan RealLimit = TimeSpan.FromMinutes(2);

    private static readonly Config InVirtualTime = ConfigurationFactory.ParseString(
        """
        akka {
          scheduler.implementation = "ImageClassifier.Simulations.Time.EventScheduler, ImageClassifier.Simulations"
          loggers = ["ImageClassifier.Simulations.Cloud.SimulationLog+Silence, ImageClassifier.Simulations"]
          actor.default-dispatcher.executor = thread-pool-executor
          actor.internal-dispatcher.executor = thread-pool-executor
        }
        # The model takes no time here, so it needs no threads of its own.
        classifier-dispatcher {
          type = Dispatcher
          executor = thread-pool-executor
        }
        """);

    private readonly Scenario _scenario;
    private readonly ActorSystem _system;
    private readonly World _world;
    private readonly SimulationLog _log = new();
    private readonly List<Upload> _uploads = [];
    private readonly List<FleetSample> _samples = [];
    private readonly DateTimeOffset _start;
    private int _unfinished;
    private DateTimeOffset? _over;

    private SimulatedService(Scenario scenario)
    {
        _scenario = scenario;
        var config = scenario.Load();
        var webSettings = WebTierSettings.Create(config);
        // A test looks at the decisions of the whole run.
        webSettings = webSettings with { Scaling = webSettings.Scaling with { KeptDecisions = 1000 } };
        MaxInstances = webSettings.Scaling.MaxInstances;
        _system = ActorSystem.Create("simulation", InVirtualTime.WithFallback(config));
        _world = new World(_system, scenario.Cloud, NodeSettings.Create(config), QueueSettings.Create(config));
        _start = _world.Now + WarmUp;
        _system.ActorOf(Props.Create(() => new SimulationLog.Writer(_log, _start)));
        Fleet = new SimulatedFleet(_world);
        WebTier = new SimulatedWebTier(_world, Fleet, webSettings);
        var watched = WebTier;
        var samples = _samples;
        WebTier.Start();
        _system.ActorOf(Props.Create(() => new FleetWatcher(watched, samples)));
        _unfinished = scenario.Arrivals.Count;
        foreach (var arrival in scenario.Arrivals) At(arrival.At, () => Take(arrival));
        foreach (var incident in scenario.Incidents) At(incident.At, () => incident.Run(this));
    }

    /// <summary>The cap.</summary>
    public int MaxInstances { get; }

    public SimulatedFleet Fleet { get; }

    public SimulatedWebTier WebTier { get; }

    public World World => _world;

    /// <summary>Runs a scenario until every client has all its results and the fleet is at zero, and then a while
    /// longer.
    /// </summary>
    // It needs its own thread, because it waits for the shared ones to become idle.
    public static Task<Outcome> RunAsync(Scenario scenario) => Task.Factory.StartNew(
        () => Run(scenario), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Schedules an action at a time after the beginning.</summary>
    public void At(TimeSpan at, Action action) => _world.After(_start + at - _world.Now, action);

    private static Outcome Run(Scenario scenario)
    {
        var threads = new ThreadsAtRest();
        var watch = Stopwatch.StartNew();
        var simulation = new SimulatedService(scenario);
        try
        {
            simulation.Drive(threads, watch);
            return simulation.Conclude(watch.Elapsed);
        }
        finally
        {
            simulation._system.Terminate().Wait();
        }
    }

    private Outcome Conclude(TimeSpan took) =>
        new(_scenario, _start, MaxInstances, Fleet, _uploads, _samples, _world, _log.Lines, took);

    private void Drive(ThreadsAtRest threads, Stopwatch watch)
    {
        while (true)
        {
            threads.Wait();
            if (IsOver() || !_world.Scheduler.Step() || _world.Now - _start > VirtualLimit) return;
            if (watch.Elapsed > RealLimit)
                throw new TimeoutException($"The simulation reached only {_world.Now - _start} within {RealLimit}.");
        }
    }

    private bool IsOver()
    {
        if (Volatile.Read(ref _unfinished) > 0 || Fleet.Living > 0)
        {
            _over = null;
            return false;
        }

        _over ??= _world.Now;
        return _world.Now - _over.Value >= Afterwards;
    }

    private void Take(Arrival arrival)
    {
        var parts = (arrival.Pictures + FilesOfAnUpload - 1) / FilesOfAnUpload;
        Interlocked.Add(ref _unfinished, parts - 1);
        for (var part = 0; part < parts; part++)
        {
            var pictures = Math.Min(FilesOfAnUpload, arrival.Pictures - (part * FilesOfAnUpload));
            Take(pictures, part == 0 ? arrival.Poison : 0, part == 0 ? arrival.Undecodable : 0);
        }
    }

    private void Take(int pictures, int poison, int undecodable)
    {
        var batch = BatchId.New();
        var firstPoison = (pictures - poison) / 2;
        var poisonous = new HashSet<JobId>();
        var noPictures = new HashSet<JobId>();
        var jobs = new List<ManifestJob>(pictures);
        _world.Store.Set(ObjectKeys.OpenMarker(batch), "");
        for (var i = 0; i < pictures; i++)
        {
            var job = JobId.New();
            var isPoison = i >= firstPoison && i < firstPoison + poison;
            var isNone = i >= pictures - undecodable;
            if (isPoison) poisonous.Add(job);
            if (isNone) noPictures.Add(job);
            var key = ObjectKeys.Image(batch, job, PictureFormat.Jpeg);
            _world.Store.Set(key, isPoison ? SimulatedInstance.Poison : isNone ? FakeImageClassifier.Refused : Picture);
            jobs.Add(ManifestJob.Accept(job, $"{i}.jpg", key));
        }

        var manifest = new BatchManifest(batch, _world.Now, jobs);
        var upload = new Upload(manifest, poisonous, noPictures, () => Interlocked.Decrement(ref _unfinished));
        _uploads.Add(upload);
        var tier = WebTier;
        _system.ActorOf(Props.Create(() => new SimulatedClient(tier, upload)));
    }
}
