using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Xunit;

namespace ImageClassifier.Tests.Contracts;

/// <summary>A fleet for one contract test. Its instances live until they are terminated, and their nodes never
/// poll.</summary>
public interface IFleetUnderTest : IAsyncDisposable
{
    /// <summary>The same fleet after a restart of the web tier.</summary>
    IInstanceFleet Open();
}

/// <summary>The contract of every <see cref="IInstanceFleet"/>.</summary>
public abstract class InstanceFleetContract : IAsyncLifetime
{
    private IFleetUnderTest _underTest = null!;
    private IInstanceFleet _fleet = null!;

    protected abstract Task<IFleetUnderTest> CreateAsync();

    public async Task InitializeAsync()
    {
        _underTest = await CreateAsync();
        _fleet = _underTest.Open();
    }

    public async Task DisposeAsync() => await _underTest.DisposeAsync();

    [SkippableFact]
    public async Task A_new_fleet_is_empty() => Assert.Empty(await _fleet.DescribeAsync(default));

    [SkippableFact]
    public async Task Launched_instances_are_pending_until_their_node_polls()
    {
        var launch = await _fleet.LaunchAsync(3, "token-1", default);

        Assert.Null(launch.Shortfall);
        Assert.Equal(3, launch.Launched.Distinct().Count());
        var seen = await _fleet.DescribeAsync(default);
        Assert.Equal(launch.Launched.Order(ById), seen.Select(instance => instance.Id).Order(ById));
        Assert.All(seen, instance =>
        {
            Assert.Equal(InstanceState.Pending, instance.State);
            Assert.Null(instance.RunningAt);
            Assert.Null(instance.EndedAt);
            var age = TimeProvider.System.GetUtcNow() - instance.LaunchedAt;
            Assert.InRange(age, TimeSpan.FromMinutes(-5), TimeSpan.FromMinutes(5));
        });
    }

    [SkippableFact]
    public async Task A_repeated_token_launches_no_more_instances()
    {
        var first = await _fleet.LaunchAsync(2, "token-1", default);
        var again = await _fleet.LaunchAsync(2, "token-1", default);
        var afterRestart = await _underTest.Open().LaunchAsync(2, "token-1", default);

        Assert.Equal(first.Launched.Order(ById), again.Launched.Order(ById));
        Assert.Equal(first.Launched.Order(ById), afterRestart.Launched.Order(ById));
        Assert.Equal(2, (await _fleet.DescribeAsync(default)).Count);
    }

    [SkippableFact]
    public async Task Concurrent_launches_with_one_token_launch_once()
    {
        var launches = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => _fleet.LaunchAsync(2, "token-1", default)));

        Assert.Equal(2, launches.SelectMany(launch => launch.Launched).Distinct().Count());
        Assert.Equal(2, (await _fleet.DescribeAsync(default)).Count);
    }

    [SkippableFact]
    public async Task Another_token_launches_more_instances()
    {
        var first = await _fleet.LaunchAsync(1, "token-1", default);
        var second = await _fleet.LaunchAsync(1, "token-2", default);

        Assert.NotEqual(first.Launched, second.Launched);
        Assert.Equal(2, (await _fleet.DescribeAsync(default)).Count);
    }

    [SkippableFact]
    public async Task A_new_client_sees_the_instances_of_an_earlier_one()
    {
        var launch = await _fleet.LaunchAsync(2, "token-1", default);

        var seen = await _underTest.Open().DescribeAsync(default);

        Assert.Equal(launch.Launched.Order(ById), seen.Select(instance => instance.Id).Order(ById));
        Assert.All(seen, instance => Assert.Equal(InstanceState.Pending, instance.State));
    }

    [SkippableFact]
    public async Task A_new_client_finds_the_instances_of_a_launch_by_its_token()
    {
        var launch = await _fleet.LaunchAsync(2, "token-1", default);
        await _fleet.LaunchAsync(1, "token-2", default);

        var restarted = _underTest.Open();
        var found = await restarted.FindLaunchedAsync("token-1", default);

        Assert.Equal(launch.Launched.Order(ById), found.Order(ById));
        Assert.Empty(await restarted.FindLaunchedAsync("token-3", default));
    }

    [SkippableFact]
    public async Task Terminated_instances_end_and_are_shown_for_a_while()
    {
        var launch = await _fleet.LaunchAsync(2, "token-1", default);

        await _fleet.TerminateAsync([launch.Launched[0]], default);

        await Condition.BecomesTrueAsync(
            async () => (await FindAsync(launch.Launched[0])).State == InstanceState.Ended, "the instance ended");
        Assert.NotNull((await FindAsync(launch.Launched[0])).EndedAt);
        Assert.Equal(InstanceState.Pending, (await FindAsync(launch.Launched[1])).State);
    }

    [SkippableFact]
    public async Task Terminating_unknown_or_ended_instances_is_no_error()
    {
        var launch = await _fleet.LaunchAsync(1, "token-1", default);

        await _fleet.TerminateAsync([.. launch.Launched, InstanceId.Parse("i-0123456789abcdef0")], default);
        await _fleet.TerminateAsync(launch.Launched, default);
        await _fleet.TerminateAsync([], default);
    }

    [SkippableFact]
    public async Task Launching_none_is_refused() =>
        await Assert.ThrowsAnyAsync<ArgumentException>(() => _fleet.LaunchAsync(0, "token-1", default));

    private static Comparer<InstanceId> ById { get; } =
        Comparer<InstanceId>.Create((a, b) => string.CompareOrdinal(a.Value, b.Value));

    private async Task<FleetInstance> FindAsync(InstanceId id) =>
        (await _fleet.DescribeAsync(default)).Single(instance => instance.Id == id);
}
