using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Node.Classification;

/// <summary>Runs models, one micro-batch at a time, synchronously on the threads of its dispatcher.</summary>
internal sealed class ClassifierActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly TimeProvider _time;

    public ClassifierActor(TimeProvider time)
    {
        _time = time;
        Receive<ClassifyPictures>(Classify);
    }

    /// <summary>A pool of classifiers behind one actor reference.</summary>
    /// <param name="time">The clock that measures the runs.</param>
    /// <param name="count">The number of classifiers, which is the number of runs at once.</param>
    /// <param name="dispatcher">A dispatcher with threads of its own, because a run blocks its thread.</param>
    public static Props Props(TimeProvider time, int count, string dispatcher)
    {
        var one = Akka.Actor.Props.Create(() => new ClassifierActor(time)).WithDispatcher(dispatcher);
        return Akka.Actor.Props.Create(() => new ClassifierPoolActor(one, count));
    }

    private void Classify(ClassifyPictures run)
    {
        try
        {
            if (!run.Cancellation.IsCancellationRequested) Sender.Tell(Run(run));
        }
        finally
        {
            foreach (var picture in run.Pictures) picture.Dispose();
            Context.Parent.Tell(RunCompleted.Instance);
        }
    }

    private IClassifierReply Run(ClassifyPictures run)
    {
        var started = _time.GetTimestamp();
        var predictions = RunTogether(run) ?? [.. run.Pictures.Select(picture => RunAlone(run.Model, picture))];
        return new PicturesClassified(predictions, _time.GetElapsedTime(started));
    }

    /// <summary>Null if the run failed. One bad picture is enough to fail the run.</summary>
    private IReadOnlyList<IReadOnlyList<Prediction>?>? RunTogether(ClassifyPictures run)
    {
        if (run.Pictures.Count == 1) return null;
        try
        {
            return run.Model.Classify(run.Pictures);
        }
        catch (Exception failure)
        {
            _log.Warning("A run of the model with {0} pictures failed; each picture is now run alone: {1}",
                run.Pictures.Count, failure.Message);
            return null;
        }
    }

    private IReadOnlyList<Prediction>? RunAlone(IImageClassifier model, DecodedPicture picture)
    {
        try
        {
            return model.Classify([picture])[0];
        }
        catch (Exception failure)
        {
            _log.Error(failure, "A run of the model with one picture failed");
            return null;
        }
    }
}
