using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Tests.Web.Scaling;

/// <summary>Settings and snapshots for the scaling tests.</summary>
internal static class Scaling
{
    public static ScalingSettings Settings { get; } = new(
        PolicyKind.PerImage,
        MaxInstances: 19,
        Interval: TimeSpan.FromSeconds(1),
        IdleInterval: TimeSpan.FromSeconds(5),
        RecordsInterval: TimeSpan.FromSeconds(5),
        CountsLag: TimeSpan.Zero,
        LaunchLag: TimeSpan.FromMinutes(1),
        LaunchTimeout: TimeSpan.FromMinutes(2),
        BootDeadline: TimeSpan.FromMinutes(5),
        SilentAfter: TimeSpan.FromSeconds(90),
        SilenceLimit: TimeSpan.FromMinutes(2),
        MaxLifetime: TimeSpan.FromHours(24),
        MinBackoff: TimeSpan.FromSeconds(1),
        MaxBackoff: TimeSpan.FromMinutes(1),
        KeptDecisions: 20,
        PicturesPerInstance: 1,
        new LatencySettings(
            Target: TimeSpan.FromSeconds(60),
            ServiceTime: TimeSpan.FromMilliseconds(100),
            BootTime: TimeSpan.FromSeconds(26)));

    /// <summary>A snapshot; times in seconds.</summary>
    public static ScalingSnapshot Snapshot(
        int waiting,
        int inFlight = 0,
        int running = 0,
        int draining = 0,
        double service = 0.1,
        double boot = 26,
        params double[] bootsLeft) => new(
        waiting,
        inFlight,
        new FleetCount(bootsLeft.Length, running, draining),
        TimeSpan.FromSeconds(service),
        TimeSpan.FromSeconds(boot),
        [.. bootsLeft.Select(TimeSpan.FromSeconds)]);

    public static FleetInstance Instance(
        InstanceId id, InstanceState state, DateTimeOffset launchedAt, DateTimeOffset? ranAt = null) =>
        new(id, state, launchedAt, ranAt, state == InstanceState.Ended ? launchedAt : null);

    public static StoredNodeRecord StoredRecord(
        InstanceId id, DateTimeOffset lastModified, double? rate = null, InstanceState state = InstanceState.Running) =>
        new(id, lastModified, new NodeRecord(id, state, 0, rate, new ModelIdentity("model", new string('0', 64))));
}
