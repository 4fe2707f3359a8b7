using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Jobs;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Classification;

/// <summary>Classifies the decoded pictures of micro-batches. Jobs that have already ended pass through
/// unchanged.</summary>
internal sealed class MicroBatches(
    IActorRef classifier,
    InstanceId instance,
    TimeSpan timeout,
    NodeHealth health,
    TimeProvider time,
    ILoggingAdapter log)
{
    /// <summary>Classifies one micro-batch, with a run for each model in it. Returns each job once, and none as
    /// <see cref="JobWork.ToClassify"/>. Never fails.</summary>
    public async Task<IReadOnlyList<JobWork>> ClassifyAsync(IReadOnlyList<JobWork> batch)
    {
        List<JobWork> concluded = [.. batch.Where(work => work is not JobWork.ToClassify)];
        JobWork.ToClassify[] decoded = [.. batch.OfType<JobWork.ToClassify>()];
        foreach (var work in decoded) work.Model.Resume();
        var runs = decoded
            .GroupBy(work => work.Model.Classifier)
            .SelectMany(ofModel => ofModel.Chunk(ofModel.Key.PreferredBatchSize));
        foreach (var run in runs)
        {
            var reply = await RunAsync(run[0].Model.Classifier, [.. run.Select(work => work.Picture)]);
            concluded.AddRange(Conclude(run, reply));
            foreach (var work in run) work.Model.Dispose();
        }

        return concluded;
    }

    private async Task<IClassifierReply> RunAsync(IImageClassifier model, IReadOnlyList<DecodedPicture> pictures)
    {
        using var cancellation = new CancellationTokenSource();
        try
        {
            var run = new ClassifyPictures(model, pictures, cancellation.Token);
            // A pause of the process (SIGSTOP, a suspended machine) does not use up the time-out.
            var reply = await classifier.Ask<IClassifierReply>(run, Timeout.InfiniteTimeSpan, cancellation.Token)
                .WaitAwakeAsync(timeout, time);
            return reply is PicturesClassified classified && classified.Predictions.Count != pictures.Count
                ? new ClassificationFailed(new InvalidOperationException(
                    "The model did not return predictions for each picture."))
                : reply;
        }
        catch (Exception failure)
        {
            // The classifier disposes of the pictures: it may still be reading them.
            await cancellation.CancelAsync();
            log.Error("A run of the model with {0} pictures had no answer: {1}", pictures.Count, failure.Message);
            return new ClassificationFailed(failure);
        }
    }

    private IEnumerable<JobWork> Conclude(JobWork.ToClassify[] decoded, IClassifierReply reply) =>
        reply is PicturesClassified classified
            ? decoded.Zip(classified.Predictions, (work, predictions) => Conclude(work, predictions, classified.Took))
            : decoded.Select(GiveUp);

    private JobWork.NotDone GiveUp(JobWork.ToClassify work)
    {
        if (!work.Model.TryReplace("a run failed.")) health.RecordFailure();
        return new JobWork.NotDone(work.Delivery);
    }

    private JobWork Conclude(JobWork.ToClassify work, IReadOnlyList<Prediction>? predictions, TimeSpan took)
    {
        if (predictions is null) return GiveUp(work);
        health.RecordClassified();
        var timings = new JobTimings(
            work.Fetched.TotalMilliseconds,
            work.Decoded.TotalMilliseconds,
            took.TotalMilliseconds,
            (time.GetMonotonic() - work.Delivery.ReceivedAt).TotalMilliseconds);
        return JobWork.Ended.Classified(
            work.Delivery, work.Request, instance, work.Model.Identity, predictions, timings);
    }
}
