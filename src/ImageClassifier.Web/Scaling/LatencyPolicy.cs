using System.Globalization;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Wants the fewest instances that finish all waiting pictures within a target time. Booting instances count.
/// </summary>
/// <remarks>
/// <para>Formula: <c>W</c> pictures wait, <c>F</c> are in flight, <c>s</c> is the service time, <c>B</c> the boot
/// time and <c>T</c> the target. Within the target, <c>R</c> running instances finish <c>R·T/s - F</c> of the waiting
/// pictures. A booting instance with <c>b</c> left finishes <c>(T-b)/s</c>, and a new one <c>(T-B)/s</c>. The rest of
/// <c>W</c>, divided by the share of a new instance, is launched.</para>
/// <para>A target below the boot time cannot be met, and an instance that works for a moment does not pay for its boot.
/// So a new instance counts with at least a quarter of its boot time as work.</para>
/// <para>If the instances need up to a tenth longer than the target, nothing is launched: a small change in a measured
/// time must not change the fleet.</para>
/// </remarks>
/// <param name="target">The target time from upload to result.</param>
/// <param name="maxInstances">The cap.</param>
public sealed class LatencyPolicy(TimeSpan target, int maxInstances) : ScalingPolicy
{
    private const double MinWorkPerBoot = 0.25;
    private const double Tolerance = 1.1;

    /// <inheritdoc />
    public override ScalingDecision Decide(ScalingSnapshot snapshot)
    {
        var present = Math.Min(snapshot.Fleet.Usable, maxInstances);
        if (snapshot.Waiting <= 0) return new ScalingDecision(present, "Nothing waits.");

        var service = snapshot.ServiceTime.TotalSeconds;
        var boot = snapshot.BootTime.TotalSeconds;
        var horizon = Math.Max(target.TotalSeconds, boot * (1 + MinWorkPerBoot));
        var waits = (snapshot.Waiting == 1 ? "1 picture waits" : $"{snapshot.Waiting} pictures wait")
            + $", {Seconds(service)} s each";
        if (snapshot.Waiting <= Capacity(snapshot, horizon * Tolerance))
        {
            return new ScalingDecision(
                present, $"{waits}: {InstancesDoThem(snapshot.Fleet)} within {Seconds(horizon)} s.");
        }

        var left = snapshot.Waiting - Capacity(snapshot, horizon);
        var more = Math.Ceiling(left * service / (horizon - boot));
        var needed = snapshot.Fleet.Usable + more;
        var instances = needed == 1 ? "1 instance" : $"{needed.ToString(CultureInfo.InvariantCulture)} instances";
        var cap = needed > maxInstances ? $"; the cap is {maxInstances}" : "";
        return new ScalingDecision(
            (int)Math.Min(needed, maxInstances),
            $"{waits}: finishing within {Seconds(horizon)} s, {Seconds(boot)} s of it for booting, takes"
            + $" {instances}{cap}.");
    }

    /// <summary>How many of the waiting pictures the present instances finish within a time in seconds.</summary>
    private static double Capacity(ScalingSnapshot snapshot, double seconds)
    {
        var service = snapshot.ServiceTime.TotalSeconds;
        var running = Math.Max(0, snapshot.Fleet.Running * seconds / service - snapshot.InFlight);
        return running + snapshot.BootsLeft.Sum(left => Math.Max(0, seconds - left.TotalSeconds) / service);
    }

    private static string InstancesDoThem(FleetCount fleet) => (fleet.Running, fleet.Pending) switch
    {
        (1, 0) => "the running instance does them",
        (var running, 0) => $"the {running} running instances do them",
        (0, 1) => "the booting instance will do them",
        (0, var pending) => $"the {pending} booting instances will do them",
        var (running, pending) => $"{running} running and {pending} booting instances do them",
    };

    private static string Seconds(double seconds) => seconds.ToString("0.###", CultureInfo.InvariantCulture);
}
