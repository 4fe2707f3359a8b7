using ImageClassifier.Web.Scaling;
using Xunit;

namespace ImageClassifier.Tests.Web.Scaling;

public sealed class LatencyPolicySpecs
{
    private static readonly LatencyPolicy Policy = new(TimeSpan.FromSeconds(60), maxInstances: 19);

    // An instance boots for 26 s of the 60 s and works for 34 s: 340 pictures of 0.1 s.
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(20, 1)]
    [InlineData(340, 1)]
    [InlineData(341, 2)]
    [InlineData(5000, 15)]
    [InlineData(10_000, 19)]
    [InlineData(int.MaxValue, 19)]
    public void Without_instances_it_wants_enough_for_the_target_minus_the_boot_time(int waiting, int wanted) =>
        Assert.Equal(wanted, Policy.Decide(Scaling.Snapshot(waiting)).Wanted);

    [Fact]
    public void Running_instances_have_the_whole_target_minus_their_pictures_in_flight()
    {
        Assert.Equal(1, Policy.Decide(Scaling.Snapshot(580, inFlight: 20, running: 1)).Wanted);
        Assert.Equal(2, Policy.Decide(Scaling.Snapshot(700, inFlight: 20, running: 1)).Wanted);
    }

    [Fact]
    public void Booting_instances_have_the_target_minus_their_remaining_boot_time()
    {
        Assert.Equal(2, Policy.Decide(Scaling.Snapshot(1000, bootsLeft: [10, 10])).Wanted);
        Assert.Equal(3, Policy.Decide(Scaling.Snapshot(1250, bootsLeft: [10, 10])).Wanted);
    }

    [Fact]
    public void Up_to_a_tenth_over_the_target_nothing_is_launched()
    {
        Assert.Equal(1, Policy.Decide(Scaling.Snapshot(659, running: 1)).Wanted);
        Assert.Equal(2, Policy.Decide(Scaling.Snapshot(661, running: 1)).Wanted);
    }

    [Fact]
    public void A_target_below_the_boot_time_counts_a_quarter_of_the_boot_as_work()
    {
        var impatient = new LatencyPolicy(TimeSpan.FromSeconds(5), maxInstances: 19);
        Assert.Equal(1, impatient.Decide(Scaling.Snapshot(20)).Wanted);
        Assert.Equal(5, impatient.Decide(Scaling.Snapshot(300)).Wanted);
    }

    [Fact]
    public void Draining_instances_do_no_work() =>
        Assert.Equal(1, Policy.Decide(Scaling.Snapshot(10, draining: 3)).Wanted);

    [Fact]
    public void With_nothing_waiting_it_wants_the_present_instances() =>
        Assert.Equal(3, Policy.Decide(Scaling.Snapshot(0, running: 3)).Wanted);

    [Theory]
    [InlineData(0, 0, "Nothing waits.")]
    [InlineData(1, 1, "1 picture waits, 0.1 s each: the running instance does them within 60 s.")]
    [InlineData(
        300, 0,
        "300 pictures wait, 0.1 s each: finishing within 60 s, 26 s of it for booting, takes 1 instance.")]
    [InlineData(
        30_000, 0,
        "30000 pictures wait, 0.1 s each: finishing within 60 s, 26 s of it for booting, takes 89 instances; "
            + "the cap is 19.")]
    public void It_says_why(int waiting, int running, string reason) =>
        Assert.Equal(reason, Policy.Decide(Scaling.Snapshot(waiting, running: running)).Reason);
}
