using CsCheck;
using ImageClassifier.Web.Scaling;
using Xunit;

namespace ImageClassifier.Tests.Web.Scaling;

/// <summary>Properties of every policy for every snapshot. A failure prints the seed that repeats it.</summary>
public sealed class PolicyPropertySpecs
{
    private const double Target = 60;

    private static readonly Gen<ScalingSnapshot> Snapshots =
        from waiting in Gen.Frequency((1, Gen.Const(0)), (5, Gen.Int[0, 1000]), (2, Gen.Int[0, int.MaxValue]))
        from inFlight in Gen.Int[0, 1000]
        from running in Gen.Int[0, 40]
        from draining in Gen.Int[0, 40]
        from service in Gen.Double[0.0001, 100]
        from boot in Gen.Double[0, 200]
        from bootsLeft in Gen.Double[0, boot].Array[0, 40]
        select Scaling.Snapshot(waiting, inFlight, running, draining, service, boot, bootsLeft);

    private static readonly Gen<int> Caps = Gen.Int[1, 1000];

    private static readonly Gen<ScalingPolicy> Policies = Gen.OneOf<ScalingPolicy>(
        Caps.Select(cap => (ScalingPolicy)new LatencyPolicy(TimeSpan.FromSeconds(Target), cap)),
        Gen.Select(Gen.Int[1, 100], Caps).Select((each, cap) => (ScalingPolicy)new PerImagePolicy(each, cap)));

    [Fact]
    public void Never_above_the_cap_and_never_negative() =>
        Gen.Select(Snapshots, Caps, Gen.Int[1, 100]).Sample((snapshot, cap, each) =>
            IsWithin(new LatencyPolicy(TimeSpan.FromSeconds(Target), cap).Decide(snapshot), cap)
            && IsWithin(new PerImagePolicy(each, cap).Decide(snapshot), cap));

    [Fact]
    public void The_same_snapshot_always_gives_the_same_decision() =>
        Gen.Select(Snapshots, Policies).Sample((snapshot, policy) =>
            policy.Decide(snapshot) == policy.Decide(snapshot with { BootsLeft = [.. snapshot.BootsLeft] }));

    [Fact]
    public void More_waiting_pictures_never_want_fewer_instances() =>
        Gen.Select(Snapshots, Policies, Gen.Int[0, 10_000]).Sample((snapshot, policy, more) =>
        {
            var fuller = snapshot with { Waiting = (int)Math.Min(int.MaxValue, (long)snapshot.Waiting + more) };
            return policy.Decide(fuller).Wanted >= policy.Decide(snapshot).Wanted;
        });

    [Fact]
    public void More_running_instances_never_launch_more() =>
        Gen.Select(Snapshots, Caps).Sample((snapshot, cap) =>
        {
            var policy = new LatencyPolicy(TimeSpan.FromSeconds(Target), cap);
            var fleet = snapshot.Fleet;
            var larger = snapshot with { Fleet = fleet with { Running = fleet.Running + 1 } };
            return Launches(policy, larger) <= Launches(policy, snapshot);
        });

    [Fact]
    public void Nothing_is_launched_for_work_that_booting_instances_will_do_in_time() =>
        Gen.Select(Snapshots, Caps).Sample((snapshot, cap) =>
        {
            var inTime = snapshot.BootsLeft.Sum(
                left => Math.Max(0, Target - left.TotalSeconds) / snapshot.ServiceTime.TotalSeconds);
            var done = snapshot with { Waiting = (int)Math.Min(int.MaxValue, inTime) };
            return Launches(new LatencyPolicy(TimeSpan.FromSeconds(Target), cap), done) == 0;
        });

    private static bool IsWithin(ScalingDecision decision, int cap) =>
        decision.Wanted >= 0 && decision.Wanted <= cap && decision.Reason.Length > 0;

    private static int Launches(ScalingPolicy policy, ScalingSnapshot snapshot) =>
        Math.Max(0, policy.Decide(snapshot).Wanted - snapshot.Fleet.Usable);
}
