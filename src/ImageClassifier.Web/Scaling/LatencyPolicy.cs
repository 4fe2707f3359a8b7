using System.Globalization;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// As few instances as have what waits done within a target, counting those that are still booting. With
/// <c>W</c> pictures waiting and <c>F</c> in flight, a service time <c>s</c>, a boot time <c>B</c> and a target <c>T</c>,
/// <c>R</c> running instances do <c>R·T/s - F</c> of them in time, a booting one that has <c>b</c> left <c>(T-b)/s</c>, and
/// a new one <c>(T-B)/s</c>: what is left of <c>W</c>, divided by the last, is launched.
/// </summary>
/// <remarks>
/// No instance is worth its boot for a moment's work, and a target below the boot time cannot be met: then a new
/// instance counts with a quarter of its boot time. Where those that are there need a tenth longer than the target,
/// nothing is launched for the difference, so that a measured time that moves a little moves nothing.
/// </remarks>
/// <param name="target">The time from upload to result that is aimed at.</param>
/// <param name="maxInstances">The cap.</param>
public sealed class LatencyPolicy(TimeSpan target, int maxInstances) : ScalingPolicy
{
    private const double LeastWorkPerBoot = 0.25;
    private const double Tolerance = 1.1;

    /// <inheritdoc />
    public override ScalingDecision Decide(ScalingSnapshot snapshot)
    {
        var there = Math.Min(snapshot.Fleet.Usable, maxInstances);
        if (snapshot.Waiting <= 0) return new ScalingDecision(there, "Nothing waits.");

        var service = snapshot.ServiceTime.TotalSeconds;
        var boot = snapshot.BootTime.TotalSeconds;
        var horizon = Math.Max(target.TotalSeconds, boot * (1 + LeastWorkPerBoot));
        var waits = (snapshot.Waiting == 1 ? "1 picture waits" : $"{snapshot.Waiting} pictures wait")
            + $", {Seconds(service)} s each";
        if (snapshot.Waiting <= Capacity(snapshot, horizon * Tolerance))
            return new ScalingDecision(there, $"{waits}: {Those(snapshot.Fleet)} within {Seconds(horizon)} s.");

        var left = snapshot.Waiting - Capacity(snapshot, horizon);
        var more = Math.Ceiling(left * service / (horizon - boot));
        var needed = snapshot.Fleet.Usable + more;
        var instances = needed == 1 ? "1 instance" : $"{needed.ToString(CultureInfo.InvariantCulture)} instances";
        var cap = needed > maxInstances ? $", of which there may be {maxInstances}" : "";
        return new ScalingDecision(
            (int)Math.Min(needed, maxInstances),
            $"{waits}: to have them done within {Seconds(horizon)} s, {Seconds(boot)} s of it booting, takes"
            + $" {instances}{cap}.");
    }

    /// <summary>How many of the waiting pictures the instances there have done after so many seconds.</summary>
    private static double Capacity(ScalingSnapshot snapshot, double seconds)
    {
        var service = snapshot.ServiceTime.TotalSeconds;
        var running = Math.Max(0, snapshot.Fleet.Running * seconds / service - snapshot.InFlight);
        return running + snapshot.BootsLeft.Sum(left => Math.Max(0, seconds - left.TotalSeconds) / service);
    }

    private static string Those(FleetCount fleet) => (fleet.Running, fleet.Pending) switch
    {
        (1, 0) => "the running instance does them",
        (var running, 0) => $"the {running} running instances do them",
        (0, 1) => "the booting instance will do them",
        (0, var pending) => $"the {pending} booting instances will do them",
        var (running, pending) => $"{running} running and {pending} booting instances do them",
    };

    private static string Seconds(double seconds) => seconds.ToString("0.###", CultureInfo.InvariantCulture);
}
