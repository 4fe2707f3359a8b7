using Akka.Actor;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Supervision;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>A web tier without its HTTP edge: the production actors. It can be killed and restarted.</summary>
internal sealed class SimulatedWebTier(World world, SimulatedFleet fleet, WebTierSettings settings)
{
    private Lifeline _lifeline = new();

    /// <summary>The parent of its actors; nobody while the tier is down.</summary>
    public IActorRef Address { get; private set; } = ActorRefs.Nobody;

    /// <summary>Starts the tier.</summary>
    public void Start()
    {
        var lifeline = new Lifeline();
        _lifeline = lifeline;
        var queues = new QueuePair(
            new KillableQueue(world.Requests, lifeline), new KillableQueue(world.Responses, lifeline));
        var store = new KillableStore(new NotingStore(world.Store, world.Settings.NoteAnswer, world.Time), lifeline);
        var ofTier = new KillableFleet(fleet, lifeline);
        Address = world.System.ActorOf(
            Props.Create(() => new SimulatedTierActor(queues, store, ofTier, settings)));
    }

    /// <summary>Ends the tier at once.</summary>
    public void Kill()
    {
        _lifeline.Cut();
        world.System.Stop(Address);
        Address = ActorRefs.Nobody;
    }
}
