using ImageClassifier.Simulator.Engine;
using ImageClassifier.Simulator.Loads;
using ImageClassifier.Simulator.Reports;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Simulator;

/// <summary>
/// A discrete-event model of the service. It simulates arrivals, boots, polls, pictures and faults. The decisions of
/// the scaler (<c>FleetPlanner</c> with its policy) and of idle nodes (<c>IdleRule</c>) are the program's own code. A
/// run depends only on its seed, and is equal bit for bit each time.
/// </summary>
public static class Simulation
{
    private const int EventsBetweenReports = 1 << 14;

    // A run that lasts this long after the last arrival never ends, for example because no launch succeeds.
    private static readonly long GiveUpAfter = TimeSpan.FromDays(30).Ticks;
    private static readonly long CountsStep = TimeSpan.FromMilliseconds(100).Ticks;

    /// <summary>Runs until the last picture has its result and the fleet is at zero.</summary>
    /// <param name="model">The deployment.</param>
    /// <param name="arrivals">The load.</param>
    /// <param name="seed">The seed of all random numbers: boots, pictures, faults, pauses.</param>
    /// <param name="policy">Creates the policy with the simulated clock; null for the policy in the settings.</param>
    /// <param name="progress">Receives the share of pictures with a result from time to time.</param>
    /// <param name="cancellation">Stops the run.</param>
    /// <exception cref="SimulationStuckException">The run does not end.</exception>
    public static SimulationReport Run(
        SimulationModel model,
        Arrivals arrivals,
        int seed,
        Func<TimeProvider, ScalingPolicy>? policy = null,
        Action<double>? progress = null,
        CancellationToken cancellation = default)
    {
        var makePolicy = policy ?? (_ => model.Scaling.CreatePolicy());
        // The scaler has observed before the first picture arrives.
        var startsAt = -model.Scaling.IdleInterval.Ticks;
        var cloud = new Cloud(
            model, arrivals.Ticks, seed, startsAt,
            made => new SimulatedScaler(made, makePolicy(made.Time), made.Pauses));
        if (!RunToTheEnd(cloud, arrivals.Ticks, progress, cancellation))
            throw new SimulationStuckException(arrivals.Count - cloud.Recorder.Results);
        return SimulationReport.Create(cloud, arrivals);
    }

    /// <summary>Runs with launches at given times instead of a scaler.</summary>
    /// <param name="model">The deployment.</param>
    /// <param name="arrivals">The load.</param>
    /// <param name="seed">The seed of all random numbers.</param>
    /// <param name="launches">The launches, in order.</param>
    /// <param name="deadline">The run stops when a result takes longer, in ticks.</param>
    /// <param name="cancellation">Stops the run.</param>
    /// <returns>The cloud at the end of the run.</returns>
    internal static (Cloud Cloud, bool IsComplete) RunSchedule(
        SimulationModel model,
        Arrivals arrivals,
        int seed,
        IReadOnlyList<ScheduledLaunch> launches,
        long deadline,
        CancellationToken cancellation)
    {
        var cloud = new Cloud(
            model, arrivals.Ticks, seed, 0, made => new ScheduledLauncher(made, launches), deadline);
        return (cloud, RunToTheEnd(cloud, arrivals.Ticks, null, cancellation));
    }

    /// <returns>True if all pictures have their result and the fleet is at zero.</returns>
    private static bool RunToTheEnd(
        Cloud cloud, long[] arrivals, Action<double>? progress, CancellationToken cancellation)
    {
        var events = cloud.Events;
        var arrived = 0;
        var countsRememberedAt = long.MinValue;
        cloud.Launcher.Start();
        for (var handled = 1L; !IsOver(cloud, arrived, arrivals.Length); handled++)
        {
            var at = Math.Min(events.NextAt, arrived < arrivals.Length ? arrivals[arrived] : long.MaxValue);
            var isStuck = at == long.MaxValue || (arrived == arrivals.Length && at > arrivals[^1] + GiveUpAfter);
            if (isStuck || cloud.Recorder.MissedDeadline) return false;

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
        return true;
    }

    private static bool IsOver(Cloud cloud, int arrived, int arrivals) =>
        arrived == arrivals && cloud.Recorder.Results == arrivals
        && cloud.Fleet.Alive == 0 && !cloud.Launcher.IsLaunching;

    private static void Arrive(Cloud cloud, long[] arrivals, ref int arrived)
    {
        var first = arrived;
        var at = arrivals[first];
        while (arrived < arrivals.Length && arrivals[arrived] == at) arrived++;
        cloud.Events.AdvanceTo(at);
        cloud.Queue.Arrive(arrived - first);
        cloud.Launcher.WorkSent(arrived - first);
    }

    private static void Handle(Cloud cloud, Event next)
    {
        var node = next.Node >= 0 ? cloud.Fleet.Nodes[next.Node] : null;
        switch (next.Kind)
        {
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
            default:
                cloud.Launcher.Handle(next);
                break;
        }
    }
}

/// <summary>A run does not end.</summary>
public sealed class SimulationStuckException(int pictures)
    : Exception($"The simulation does not end: {pictures} pictures have no result a month after the last arrived.")
{
    /// <summary>The number of pictures without a result.</summary>
    public int Pictures { get; } = pictures;
}
