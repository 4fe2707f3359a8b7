using ImageClassifier.Core.Messages;

namespace ImageClassifier.Core.Ports;

/// <summary>The machines or processes of the app nodes. A launched instance is <see cref="InstanceState.Pending"/>
/// until its node polls. Instances end themselves; termination is for those that cannot.</summary>
public interface IInstanceFleet
{
    /// <summary>Launches instances.</summary>
    /// <param name="count">The number of instances, at least 1.</param>
    /// <param name="clientToken">Makes the launch idempotent: a second launch with the same token returns the same
    /// instances and launches no more.</param>
    /// <param name="cancellation">Ends the wait. Instances that were launched by then stay launched.</param>
    /// <returns>The launched instances, and the reason if they are fewer than asked.</returns>
    /// <exception cref="IOException">The answer was lost, so it is unknown what was launched.</exception>
    Task<LaunchOutcome> LaunchAsync(int count, string clientToken, CancellationToken cancellation);

    /// <summary>Finds the instances of a launch, also one of an earlier process. A fleet may show a launch with a
    /// delay.</summary>
    /// <param name="clientToken">The token of the launch.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The live instances, and those that ended within about the last ten minutes.</returns>
    Task<IReadOnlyList<InstanceId>> FindLaunchedAsync(string clientToken, CancellationToken cancellation);

    /// <summary>Lists the live instances, and those that ended within about the last ten minutes.</summary>
    Task<IReadOnlyList<FleetInstance>> DescribeAsync(CancellationToken cancellation);

    /// <summary>Terminates instances. A node that can drain gets a short time for it. Messages that it has not finished
    /// return when their leases end. Instances that have ended or are unknown are ignored.</summary>
    Task TerminateAsync(IReadOnlyCollection<InstanceId> instances, CancellationToken cancellation);
}

/// <summary>The outcome of a launch.</summary>
/// <param name="Launched">The instances that were launched.</param>
/// <param name="Shortfall">Why fewer were launched than asked, in words that clients may read: names of files, accounts
/// and networks are only in the log. Null if all were launched.</param>
public sealed record LaunchOutcome(IReadOnlyList<InstanceId> Launched, string? Shortfall);

/// <summary>An instance as the fleet knows it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="State">Its state.</param>
/// <param name="LaunchedAt">The time of its launch.</param>
/// <param name="RunningAt">The time at which its node first polled; null if it has not, or the fleet cannot
/// know.</param>
/// <param name="EndedAt">The time at which it ended; null while it lives.</param>
/// <param name="Problem">A sentence for the operator if something went wrong with the instance; otherwise null. It may
/// appear some calls after the end.</param>
public sealed record FleetInstance(
    InstanceId Id,
    InstanceState State,
    DateTimeOffset LaunchedAt,
    DateTimeOffset? RunningAt,
    DateTimeOffset? EndedAt,
    string? Problem = null);
