using ImageClassifier.Core.Messages;
using ImageClassifier.Simulations.Cloud;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Simulations;

/// <summary>Failures of a cloud.</summary>
public sealed class FaultSpecs(ITestOutputHelper output) : SimulationSpecs(output)
{
    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task A_crash_of_half_the_fleet_loses_nothing(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.3) },
            Arrivals = AtOnce(2000),
            Incidents = [new Incident(Seconds(45), simulation => HalfOf(simulation, instance =>
                instance.Kill(InstanceEnd.Killed), seed))],
        });

        Assert.InRange(outcome.Instances.Count(instance => instance.End == InstanceEnd.Killed), 5, 10);
        // The pictures in the killed nodes' hands return when their leases expire.
        Assert.InRange(outcome.LastResult, TimeSpan.Zero, Seconds(150));
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Machines_with_silent_nodes_are_terminated(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.3) },
            Arrivals = AtOnce(2000),
            Incidents = [new Incident(Seconds(45), simulation => HalfOf(simulation, instance =>
                instance.Silence(), seed))],
        });

        Assert.InRange(outcome.Instances.Count(instance => instance.End == InstanceEnd.Terminated), 5, 10);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Instances_that_the_cloud_reclaims_drain_first(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.3) },
            Arrivals = AtOnce(2000),
            Incidents = [new Incident(Seconds(45), simulation => HalfOf(simulation, instance =>
                instance.TakeBack(), seed))],
        });

        // A drain takes less than two minutes, so no instance is killed.
        Assert.All(outcome.Instances, instance => Assert.Equal(InstanceEnd.ByItself, instance.End));
        Assert.InRange(outcome.LastResult, TimeSpan.Zero, Seconds(150));
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Instances_that_die_one_after_the_other_lose_nothing(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings
            {
                Seed = seed,
                ServiceTime = Seconds(0.3),
                MeanLifetime = TimeSpan.FromMinutes(5),
            },
            Arrivals = AtOnce(2000),
        });

        Assert.Contains(outcome.Instances, instance => instance.End == InstanceEnd.Killed);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Failed_launches_are_retried_until_the_fleet_has_its_size(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.4), FailedLaunchShare = 0.7 },
            Arrivals = AtOnce(300),
        });

        Assert.Equal(4, outcome.Instances.Count);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task An_unanswered_launch_does_not_happen_twice(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.4), LostAnswerShare = 0.7 },
            Arrivals = AtOnce(300),
        });

        Assert.Equal(4, outcome.Instances.Count);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task The_cap_holds_although_launches_stay_unanswered_during_uploads(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.4), LostAnswerShare = 0.7 },
            Arrivals = [new Arrival(TimeSpan.Zero, 400), new Arrival(Seconds(1.5), 3000)],
        });

        Assert.Equal(outcome.MaxInstances, outcome.MostLiving);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Instances_that_never_come_up_are_replaced(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.3), NeverCameUpShare = 0.3 },
            Arrivals = AtOnce(1000),
        });

        Assert.Contains(outcome.Instances, instance => instance.End == InstanceEnd.NeverCameUp);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Without_capacity_launches_back_off_and_continue_later(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.4) },
            Arrivals = AtOnce(300),
            Incidents =
            [
                new Incident(Seconds(-1), simulation => simulation.Fleet.Capacity = 0),
                new Incident(Seconds(120), simulation => simulation.Fleet.Capacity = 1),
                new Incident(Seconds(180), simulation => simulation.Fleet.Capacity = int.MaxValue),
            ],
        });

        Assert.InRange(outcome.Launches.Count(launch => launch.At < Seconds(120)), 4, 10);
        // The grown back-off, a boot, and the work.
        Assert.InRange(outcome.LastResult, Seconds(120), Seconds(180 + 60 + 30 + 60));
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Counts_that_lag_a_minute_cause_no_launch_and_no_delay(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings
            {
                Seed = seed,
                ServiceTime = Seconds(0.4),
                CountsLag = TimeSpan.FromMinutes(1),
            },
            Arrivals = AtOnce(300),
        });

        Assert.Equal(4, outcome.Instances.Count);
        Assert.InRange(outcome.LastResult, TimeSpan.Zero, Seconds(80));
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task A_poison_picture_costs_one_node_and_fails_without_its_neighbours(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.2) },
            Arrivals = AtOnce(100, poison: 1),
        });

        var upload = Assert.Single(outcome.Uploads);
        var result = outcome.StoredResult(upload, Assert.Single(upload.Poison));
        Assert.Equal(JobErrorCodes.KilledDecoder, result?.Error?.Code);
        Assert.Single(outcome.Instances, instance => instance.End == InstanceEnd.Killed);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task Poison_pictures_side_by_side_cost_a_node_each_at_most_and_fail_without_their_neighbours(int seed)
    {
        foreach (var poison in (int[])[3, 10])
        {
            var outcome = await SimulateAsync(new Scenario
            {
                Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.2) },
                Arrivals = AtOnce(100, poison),
            });

            var upload = Assert.Single(outcome.Uploads);
            Assert.All(upload.Poison, job =>
                Assert.Equal(JobErrorCodes.KilledDecoder, outcome.StoredResult(upload, job)?.Error?.Code));
            Assert.InRange(outcome.Instances.Count(instance => instance.End == InstanceEnd.Killed), 1, poison);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task No_number_of_dying_nodes_fails_a_good_picture(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings
            {
                Seed = seed,
                ServiceTime = Seconds(1),
                // A hand of messages takes a node this long.
                MeanLifetime = TimeSpan.FromSeconds(20),
            },
            Arrivals = AtOnce(200),
        });

        Assert.Contains(outcome.Instances, instance => instance.End == InstanceEnd.Killed);
    }

    [Theory]
    [MemberData(nameof(Seeds.Several), MemberType = typeof(Seeds))]
    public async Task A_file_that_is_no_picture_fails_alone_and_kills_no_node(int seed)
    {
        var outcome = await SimulateAsync(new Scenario
        {
            Cloud = new CloudSettings { Seed = seed, ServiceTime = Seconds(0.2) },
            Arrivals = AtOnce(50, undecodable: 3),
        });

        var upload = Assert.Single(outcome.Uploads);
        Assert.Equal(3, upload.Undecodable.Count);
        Assert.All(upload.Undecodable, job =>
            Assert.Equal(JobErrorCodes.Undecodable, outcome.StoredResult(upload, job)?.Error?.Code));
        Assert.Equal(InstanceEnd.ByItself, Assert.Single(outcome.Instances).End);
    }

    private static void HalfOf(SimulatedService simulation, Action<SimulatedInstance> happens, int seed)
    {
        var up = simulation.Fleet.Instances.Where(instance => instance.IsUp).ToArray();
        Draws.Of(seed, Drawn.Faults, 0).Shuffle(up);
        foreach (var instance in up.Take(up.Length / 2)) happens(instance);
    }
}
