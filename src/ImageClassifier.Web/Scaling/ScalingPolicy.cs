namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Decides how many instances are wanted. A pure function: the same snapshot always gives the same decision. Only
/// waiting pictures count: a picture in flight belongs to the node that holds its lease.
/// </summary>
public abstract class ScalingPolicy
{
    /// <summary>Decides.</summary>
    public abstract ScalingDecision Decide(ScalingSnapshot snapshot);
}

/// <summary>The input of a policy.</summary>
/// <param name="Waiting">Visible messages of the request queue.</param>
/// <param name="InFlight">Messages under lease.</param>
/// <param name="Fleet">The instances by state.</param>
/// <param name="ServiceTime">How long a busy instance takes for one picture: the inverse of its throughput. Greater
/// than zero.</param>
/// <param name="BootTime">How long an instance takes from launch to first poll.</param>
/// <param name="BootsLeft">For each pending instance, the estimated time to its first poll.</param>
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
/// <param name="Pending">Launched and not polling yet. Launches that the fleet does not report yet are
/// included.</param>
/// <param name="Running">Taking work.</param>
/// <param name="Draining">Finishing, or asked to terminate.</param>
/// <param name="Silent">Without a sign of life for a few leases: paused or stuck. Other nodes get its work.</param>
public sealed record FleetCount(int Pending, int Running, int Draining, int Silent = 0)
{
    /// <summary>The instances that take work now or soon.</summary>
    public int Usable => Pending + Running;

    /// <summary>All instances that are alive.</summary>
    public int Alive => Pending + Running + Draining + Silent;
}

/// <summary>The output of a policy.</summary>
/// <param name="Wanted">How many instances should take work: from 0 to the cap.</param>
/// <param name="Reason">The reason, as a sentence for people.</param>
public sealed record ScalingDecision(int Wanted, string Reason);
