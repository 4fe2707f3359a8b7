using ImageClassifier.Web.Scaling;
using Xunit;

namespace ImageClassifier.Tests.Web.Scaling;

public sealed class PerImagePolicySpecs
{
    [Theory]
    [InlineData(0, 1, 19, 0)]
    [InlineData(1, 1, 19, 1)]
    [InlineData(5, 1, 19, 5)]
    [InlineData(19, 1, 19, 19)]
    [InlineData(50, 1, 19, 19)]
    [InlineData(int.MaxValue, 1, 19, 19)]
    [InlineData(1, 10, 19, 1)]
    [InlineData(10, 10, 19, 1)]
    [InlineData(11, 10, 19, 2)]
    [InlineData(int.MaxValue, 100_000, 19, 19)]
    public void It_wants_one_instance_per_number_of_waiting_pictures_up_to_the_cap(
        int waiting, int picturesPerInstance, int cap, int wanted) =>
        Assert.Equal(wanted, Decide(new PerImagePolicy(picturesPerInstance, cap), waiting).Wanted);

    [Fact]
    public void Pictures_in_flight_and_present_instances_change_nothing()
    {
        var policy = new PerImagePolicy(1, 19);
        Assert.Equal(
            policy.Decide(Scaling.Snapshot(waiting: 5)),
            policy.Decide(Scaling.Snapshot(waiting: 5, inFlight: 100, running: 2, draining: 3, bootsLeft: 1)));
    }

    [Theory]
    [InlineData(0, 1, "Nothing waits.")]
    [InlineData(1, 1, "1 picture waits: one instance each.")]
    [InlineData(5, 1, "5 pictures wait: one instance each.")]
    [InlineData(50, 1, "50 pictures wait: one instance each, at most 19.")]
    [InlineData(50, 10, "50 pictures wait: one instance for 10.")]
    public void It_says_why(int waiting, int picturesPerInstance, string reason) =>
        Assert.Equal(reason, Decide(new PerImagePolicy(picturesPerInstance, 19), waiting).Reason);

    private static ScalingDecision Decide(PerImagePolicy policy, int waiting) =>
        policy.Decide(Scaling.Snapshot(waiting));
}
