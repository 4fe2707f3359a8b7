using Akka.Actor;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Supervision;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>A web tier, without its HTTP edge: the production actors. It can be killed and started again.</summary>
internal sealed class SimulatedWebTier(World world, SimulatedFleet fleet, WebTierSettings settings)
{
    private Lifeline _lifeline = new();

    /// <summary>Its one address; nobody's while it is down.</summary>
    public IActorRef Address { get; private set; } = ActorRefs.Nobody;

    /// <summary>Starts it.</summary>
    public void Start()
    {
        var lifeline = new Lifeline();
        _lifeline = lifeline;
        var queues = new QueuePair(
            new MortalQueue(world.Requests, lifeline), new MortalQueue(world.Responses, lifeline));
        var store = new MortalStore(world.Store, lifeline);
        var ofTier = new MortalFleet(fleet, lifeline);
        Address = world.System.ActorOf(
            Props.Create(() => new WebSupervisorActor(queues, store, ofTier, settings)));
    }

    /// <summary>It is gone at once.</summary>
    public void Kill()
    {
        _lifeline.Cut();
        world.System.Stop(Address);
        Address = ActorRefs.Nobody;
    }
}
