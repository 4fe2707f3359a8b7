using Akka.Actor;
using Akka.Event;
using static ImageClassifier.Web.Results.ResultListenerProtocol;
using static ImageClassifier.Web.Scaling.ScalerProtocol;
using static ImageClassifier.Web.Supervision.WebSupervisorProtocol;

namespace ImageClassifier.Web.Supervision;

/// <summary>Drains the web node on shutdown. Shuts it down if one of its actors ends for good: without it the node
/// would accept work that it cannot finish.</summary>
public sealed class WebSupervisorActor : ReceiveActor
{
    private readonly List<IActorRef> _drainers = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private bool _isDrained;

    /// <summary>Creates the actor.</summary>
    /// <param name="listener">The result listener of this node.</param>
    /// <param name="scaler">The scaler, if it ends with this node; null if another node goes on with it.</param>
    /// <param name="actors">The actors that the node cannot do without.</param>
    public WebSupervisorActor(IActorRef listener, IActorRef? scaler, IReadOnlyCollection<IActorRef> actors)
    {
        foreach (var actor in actors) Context.Watch(actor);

        Receive<DrainTier>(_ =>
        {
            if (_isDrained)
            {
                Sender.Tell(TierDrained.Instance);
                return;
            }

            _drainers.Add(Sender);
            if (_drainers.Count > 1) return;
            scaler?.Tell(StopLaunching.Instance);
            listener.Tell(DrainListener.Instance);
        });
        Receive<ListenerDrained>(_ =>
        {
            _isDrained = true;
            foreach (var drainer in _drainers) drainer.Tell(TierDrained.Instance);
        });
        Receive<Terminated>(terminated =>
        {
            if (_drainers.Count > 0) return;
            _log.Error("The actor {Actor} has ended, so the web tier stops", terminated.ActorRef.Path.Name);
            CoordinatedShutdown.Get(Context.System).Run(ActorEnded.Instance);
        });
    }

    private sealed class ActorEnded : CoordinatedShutdown.Reason
    {
        public static ActorEnded Instance { get; } = new();

        public override int ExitCode => 1;
    }
}
