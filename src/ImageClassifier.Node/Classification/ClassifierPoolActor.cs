using Akka.Actor;

namespace ImageClassifier.Node.Classification;

/// <summary>Gives each run to an idle classifier. A router that compares mailboxes cannot do this: the mailbox of a
/// classifier that has just begun a run is empty too.</summary>
internal sealed class ClassifierPoolActor : ReceiveActor
{
    private readonly Queue<IActorRef> _idle = new();
    private readonly Queue<(ClassifyPictures Run, IActorRef Asker)> _waiting = new();

    /// <summary>Starts the classifiers.</summary>
    /// <param name="classifier">A <see cref="ClassifierActor"/>.</param>
    /// <param name="count">The number of classifiers.</param>
    public ClassifierPoolActor(Props classifier, int count)
    {
        for (var i = 0; i < count; i++) _idle.Enqueue(Context.ActorOf(classifier, $"{i}"));
        Receive<ClassifyPictures>(run =>
        {
            _waiting.Enqueue((run, Sender));
            DispatchRuns();
        });
        Receive<RunCompleted>(_ =>
        {
            _idle.Enqueue(Sender);
            DispatchRuns();
        });
    }

    private void DispatchRuns()
    {
        while (_idle.Count > 0 && _waiting.TryDequeue(out var next)) _idle.Dequeue().Tell(next.Run, next.Asker);
    }
}
