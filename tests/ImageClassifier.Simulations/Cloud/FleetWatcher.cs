using Akka.Actor;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>Asks the web tier for its fleet each second, as the page does.</summary>
internal sealed class FleetWatcher : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    public FleetWatcher(SimulatedWebTier tier, List<FleetSample> samples)
    {
        Receive<Tick>(_ => tier.Address.Tell(GetFleet.Instance, Self));
        Receive<FleetStatus>(view => samples.Add(new FleetSample(Context.System.Scheduler.Now, view)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() =>
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, Interval);

    private sealed record Tick
    {
        public static Tick Instance { get; } = new();
    }
}

/// <summary>The web tier's view of the fleet at one moment.</summary>
internal sealed record FleetSample(DateTimeOffset At, FleetStatus View);
