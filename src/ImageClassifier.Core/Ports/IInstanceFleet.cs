namespace ImageClassifier.Core.Ports;

/// <summary>The machines that app nodes run on. Launching is asynchronous: a launched instance is
/// <see cref="InstanceState.Pending"/> until its node polls. Instances end themselves; terminating is for those that
/// cannot.</summary>
public interface IInstanceFleet
{
    /// <summary>Launches instances.</summary>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="clientToken">Names this attempt: launching again with the same token launches nothing more and
    /// answers the same instances.</param>
    /// <param name="cancellation">Ends the waiting; what was launched by then stays launched.</param>
    /// <returns>What was launched, which may be fewer than asked, and then why.</returns>
    /// <exception cref="IOException">No one knows what was launched: the answer was lost.</exception>
    Task<LaunchOutcome> LaunchAsync(int count, string clientToken, CancellationToken cancellation);

    /// <summary>The instances that live, and those that ended within the last ten minutes or so.</summary>
    Task<IReadOnlyList<FleetInstance>> DescribeAsync(CancellationToken cancellation);

    /// <summary>Ends instances. A node that can drain is given a short time for it; what it has not finished then
    /// returns when its leases run out. Those that have ended or are unknown are passed over.</summary>
    Task TerminateAsync(IReadOnlyCollection<InstanceId> instances, CancellationToken cancellation);
}

/// <summary>How a launch went.</summary>
/// <param name="Launched">The instances that were launched.</param>
/// <param name="Shortfall">Why there are fewer than asked, in words that clients may read, without the names of files,
/// accounts and networks: those are in the log. Null when there are not fewer.</param>
public sealed record LaunchOutcome(IReadOnlyList<InstanceId> Launched, string? Shortfall);

/// <summary>What the fleet knows of an instance.</summary>
/// <param name="Id">Its name.</param>
/// <param name="State">Where it is in its life.</param>
/// <param name="LaunchedAt">When it was launched.</param>
/// <param name="RunningAt">When its node first polled; null when it never did, or the fleet cannot know.</param>
/// <param name="EndedAt">When it ended; null while it lives.</param>
/// <param name="Problem">What went wrong with it, as a sentence for the operator; null where the fleet knows of
/// nothing. It may come some looks after the end.</param>
public sealed record FleetInstance(
    InstanceId Id,
    InstanceState State,
    DateTimeOffset LaunchedAt,
    DateTimeOffset? RunningAt,
    DateTimeOffset? EndedAt,
    string? Problem = null);

/// <summary>The life of an instance, in order.</summary>
public enum InstanceState
{
    /// <summary>Launched; its node has not polled yet.</summary>
    Pending,

    /// <summary>Its node takes work.</summary>
    Running,

    /// <summary>Its node takes no more work and finishes what it has.</summary>
    Draining,

    /// <summary>Gone.</summary>
    Ended,
}
