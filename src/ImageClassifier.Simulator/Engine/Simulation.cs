using ImageClassifier.Simulator.Loads;
using ImageClassifier.Simulator.Reports;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Simulator.Engine;

/// <summary>
/// A discrete-event model of the service. Arrivals, boots, polls, pictures and faults are simulated; what the scaler
/// thinks (<c>FleetPlanner</c> with its policy) and when a node ends itself (<c>IdleRule</c>) is the program's own code. A
/// run follows from its seed bit for bit, and takes no clock.
/// </summary>
public static class Simulation
{
    private const int EventsBetweenReports = 1 << 14;

    // So long after the last arrival something is wrong for good: no launch ever succeeds, say.
    private static readonly long GiveUpAfter = TimeSpan.FromDays(30).Ticks;
    private static readonly long CountsStep = TimeSpan.FromMilliseconds(100).Ticks;

    /// <summary>Runs until the last picture has its result and the fleet is at zero.</summary>
    /// <param name="model">The deployment.</param>
    /// <param name="arrivals">The load.</param>
    /// <param name="seed">What all that is drawn follows from: boots, pictures, faults, pauses.</param>
    /// <param name="policy">Makes the policy, with the simulated clock; null for the one that the settings name.</param>
    /// <param name="progress">Told now and then what part of the pictures has its result.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="SimulationStuckException">It does not come to an end.</exception>
    public static SimulationReport Run(
        SimulationModel model,
        Arrivals arrivals,
        int seed,
        Func<TimeProvider, ScalingPolicy>? policy = null,
        Action<double>? progress = null,
        CancellationToken cancellation = default)
    {
        // The scaler has settled when the first picture comes.
        var startsAt = -(model.Scaling.SettleTime + model.Scaling.IdleInterval).Ticks;
        var cloud = new Cloud(
            model, arrivals.Ticks, seed, startsAt, policy ?? (_ => model.Scaling.CreatePolicy()));
        cloud.Scaler.Look();
        RunToTheEnd(cloud, arrivals.Ticks, progress, cancellation);
        return SimulationReport.Create(cloud, arrivals);
    }

    private static void RunToTheEnd(Cloud cloud, long[] arrivals, Action<double>? progress, CancellationToken cancellation)
    {
        var events = cloud.Events;
        var arrived = 0;
        var countsRememberedAt = long.MinValue;
        for (var handled = 1L; !IsOver(cloud, arrived, arrivals.Length); handled++)
        {
            var at = Math.Min(events.NextAt, arrived < arrivals.Length ? arrivals[arrived] : long.MaxValue);
            if (at == long.MaxValue || (arrived == arrivals.Length && at > arrivals[^1] + GiveUpAfter))
                throw new SimulationStuckException(arrivals.Length - cloud.Recorder.Results);

            while (cloud.Recorder.NextSampleAt <= at) cloud.Recorder.Take(cloud);
            if (at / CountsStep > countsRememberedAt)
            {
                cloud.Queue.Remember();
                countsRememberedAt = at / CountsStep;
            }

            if (arrived < arrivals.Length && arrivals[arrived] == at) Arrive(cloud, arrivals, ref arrived);
            else Handle(cloud, events.Take());

            if (handled % EventsBetweenReports != 0) continue;
            cancellation.ThrowIfCancellationRequested();
            progress?.Invoke((double)cloud.Recorder.Results / arrivals.Length);
        }

        cloud.Recorder.Take(cloud);
        progress?.Invoke(1);
    }

    private static bool IsOver(Cloud cloud, int arrived, int arrivals) =>
        arrived == arrivals && cloud.Recorder.Results == arrivals && cloud.Fleet.Alive == 0 && !cloud.Scaler.IsLaunching;

    private static void Arrive(Cloud cloud, long[] arrivals, ref int arrived)
    {
        var first = arrived;
        var at = arrivals[first];
        while (arrived < arrivals.Length && arrivals[arrived] == at) arrived++;
        cloud.Events.GoTo(at);
        cloud.Queue.Arrive(arrived - first);
        cloud.Scaler.WorkSent(arrived - first);
    }

    private static void Handle(Cloud cloud, Event next)
    {
        var node = next.Node >= 0 ? cloud.Fleet.Nodes[next.Node] : null;
        switch (next.Kind)
        {
            case EventKind.ScalerDue:
                cloud.Scaler.OnDue(next.Stamp);
                break;
            case EventKind.ScalerSaw:
                cloud.Scaler.OnSaw();
                break;
            case EventKind.LaunchAnswered:
                cloud.Scaler.OnLaunchAnswered();
                break;
            case EventKind.Booted:
                node!.OnBooted();
                break;
            case EventKind.PollOver:
                node!.OnPollOver(next.Stamp);
                break;
            case EventKind.PictureDone:
                node!.OnPictureDone(next.Stamp);
                break;
            case EventKind.ResultsDue:
                node!.OnResultsDue(next.Stamp);
                break;
            case EventKind.DeletesDue:
                node!.OnDeletesDue(next.Stamp);
                break;
            case EventKind.ResultsArrived:
                cloud.OnResultArrived();
                break;
            case EventKind.Crashed:
                node!.Kill();
                break;
            case EventKind.LeasesOver:
                cloud.OnLeasesOver(next.Stamp);
                break;
        }
    }
}

/// <summary>A run that comes to no end.</summary>
public sealed class SimulationStuckException(int pictures)
    : Exception($"The simulation comes to no end: {pictures} pictures have no result a month after the last arrived.")
{
    /// <summary>How many pictures have no result.</summary>
    public int Pictures { get; } = pictures;
}
