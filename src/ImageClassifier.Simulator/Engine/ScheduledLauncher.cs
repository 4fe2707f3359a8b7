using System.Runtime.InteropServices;
using ImageClassifier.Core;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Simulator.Engine;

/// <summary>A launch at a fixed time.</summary>
/// <param name="At">The time, in ticks.</param>
/// <param name="Count">The number of instances.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ScheduledLaunch(long At, int Count);

/// <summary>Launches by a schedule, without a scaler and never above the cap.</summary>
internal sealed class ScheduledLauncher(Cloud cloud, IReadOnlyList<ScheduledLaunch> launches) : ILauncher
{
    private int _next;

    /// <inheritdoc />
    public int Wanted => cloud.Fleet.Alive;

    /// <inheritdoc />
    public bool IsLaunching => false;

    /// <inheritdoc />
    public IReadOnlyList<DecisionRecord> Decisions => [];

    /// <inheritdoc />
    public void Start() => ScheduleNext();

    /// <inheritdoc />
    public void WorkSent(int jobs)
    {
    }

    /// <inheritdoc />
    public void JobDone(InstanceId instance)
    {
    }

    /// <inheritdoc />
    public void Handle(Event next)
    {
        var room = cloud.Model.Scaling.MaxInstances - cloud.Fleet.Alive;
        var count = Math.Min(launches[_next++].Count, room);
        if (count > 0) cloud.Fleet.Launch(count);
        ScheduleNext();
    }

    private void ScheduleNext()
    {
        if (_next < launches.Count) cloud.Events.Schedule(launches[_next].At, EventKind.ScalerDue);
    }
}
