using System.Globalization;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Simulator.Baselines;

/// <summary>
/// AWS's documented scaling by an SQS queue ("Scaling policy based on Amazon SQS"): target tracking of the backlog per
/// instance. The metric is visible messages divided by instances in service, published once a minute. The target is the
/// acceptable latency divided by the time for a picture. Above the target the group grows in proportion.
/// </summary>
/// <remarks>
/// Where there is a choice, this model is kinder than the original. It acts on the first data point above the target
/// instead of the third. The first point comes half a minute after the first arrival. With no instances the metric has
/// no value, and one message is enough for one instance. Instances that warm up count as in service. It never scales
/// in: nodes end themselves.
/// </remarks>
/// <param name="target">The acceptable latency.</param>
/// <param name="serviceTime">The time of an instance for one picture.</param>
/// <param name="maxInstances">The cap.</param>
/// <param name="time">The clock.</param>
internal sealed class TargetTracking(TimeSpan target, TimeSpan serviceTime, int maxInstances, TimeProvider time)
    : ScalingPolicy
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private DateTimeOffset? _nextPoint;

    /// <inheritdoc />
    public override ScalingDecision Decide(ScalingSnapshot snapshot)
    {
        var there = Math.Min(snapshot.Fleet.Usable, maxInstances);
        var now = time.GetUtcNow();
        if (_nextPoint is null)
        {
            if (snapshot.Waiting == 0) return new ScalingDecision(there, "Nothing waits.");
            _nextPoint = now + Period / 2;
        }

        if (now < _nextPoint) return new ScalingDecision(there, "No new data point.");
        while (_nextPoint <= now) _nextPoint += Period;
        return new ScalingDecision(
            Math.Min(Math.Max(there, Wanted(snapshot)), maxInstances),
            string.Create(
                CultureInfo.InvariantCulture, $"{snapshot.Waiting} wait for {snapshot.Fleet.Running} in service."));
    }

    private int Wanted(ScalingSnapshot snapshot)
    {
        if (snapshot.Waiting == 0) return 0;
        var inService = snapshot.Fleet.Running;
        if (inService == 0) return 1;
        var metric = (double)snapshot.Waiting / inService;
        var acceptable = target / serviceTime;
        return metric > acceptable ? (int)Math.Min(maxInstances, Math.Ceiling(inService * metric / acceptable)) : 0;
    }
}
