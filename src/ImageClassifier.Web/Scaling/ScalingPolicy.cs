namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Says how many instances are wanted. A pure function: the same snapshot always gives the same decision. It wants
/// instances for what waits; work in flight belongs to its holder.
/// </summary>
public abstract class ScalingPolicy
{
    /// <summary>Decides.</summary>
    public abstract ScalingDecision Decide(ScalingSnapshot snapshot);
}

/// <summary>What a policy sees.</summary>
/// <param name="Waiting">Visible messages of the request queue.</param>
/// <param name="InFlight">Messages under lease.</param>
/// <param name="Fleet">The instances by state.</param>
/// <param name="ServiceTime">How long one instance takes for one picture when it has enough to do: the inverse of its
/// throughput. Greater than zero.</param>
/// <param name="BootTime">How long an instance takes from its launch to its first poll.</param>
/// <param name="BootsLeft">For each pending instance, how long it will still take to its first poll, as far as one can
/// tell.</param>
public sealed record ScalingSnapshot(
    int Waiting,
    int InFlight,
    FleetCount Fleet,
    TimeSpan ServiceTime,
    TimeSpan BootTime,
    IReadOnlyList<TimeSpan> BootsLeft)
{
    /// <summary>Waiting and in flight together.</summary>
    public int Backlog => Waiting + InFlight;
}

/// <summary>Instances by state.</summary>
/// <param name="Pending">Launched and not polling yet, those included that the fleet does not show yet.</param>
/// <param name="Running">Taking work.</param>
/// <param name="Draining">Finishing, or asked to end.</param>
/// <param name="Silent">Not heard of for a few leases: it may be paused or hang, and its work goes to others.</param>
public sealed record FleetCount(int Pending, int Running, int Draining, int Silent = 0)
{
    /// <summary>The instances that take work, or soon will.</summary>
    public int Usable => Pending + Running;

    /// <summary>All that are alive.</summary>
    public int Alive => Pending + Running + Draining + Silent;
}

/// <summary>What a policy wants.</summary>
/// <param name="Wanted">How many instances should take work; from 0 to the cap.</param>
/// <param name="Reason">Why, as a sentence for people.</param>
public sealed record ScalingDecision(int Wanted, string Reason);
