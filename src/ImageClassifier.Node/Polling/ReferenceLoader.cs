using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Jobs;
using ImageClassifier.Node.References;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>The step that fetches the pictures of jobs with a reference. Only they wait here, and they hold no model
/// meanwhile. So no slow host delays a job whose picture is stored.</summary>
/// <param name="fetcher">Fetches pictures.</param>
/// <param name="stopped">Finds jobs that must not be begun.</param>
/// <param name="places">The most pictures that are being fetched or are in memory: until they are decoded or tried.</param>
/// <param name="instance">The instance of the node.</param>
/// <param name="health">Records failures that are the node's fault.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Receives a line for each job that is handed back.</param>
/// <param name="draining">Cancelled when the node drains. A fetch under way is then given up, and its job handed
/// back.</param>
internal sealed class ReferenceLoader(
    PictureFetcher fetcher,
    StoppedBatches stopped,
    int places,
    InstanceId instance,
    NodeHealth health,
    TimeProvider time,
    ILoggingAdapter log,
    CancellationToken draining)
{
    /// <summary>The places for jobs that are received for the first time. As many files of the largest size as are read
    /// from a remote store at once.</summary>
    public const int FreshPlaces = 8;

    /// <summary>The places for suspects, of which one is tried at a time.</summary>
    public const int SuspectPlaces = 2;

    private readonly SemaphoreSlim _places = new(places);

    /// <summary>Fetches the picture of one job. A job without a reference passes through unchanged. Never fails.</summary>
    public Task<JobWork> FetchAsync(JobWork work) => work switch
    {
        JobWork.Fresh { Request: { Reference: { } reference } request } job =>
            FetchAsync(job.Delivery, request, reference, picture => job with { Picture = picture }),
        JobWork.Suspect { Request: { Reference: { } reference } request } suspect =>
            FetchAsync(suspect.Delivery, request, reference, picture => suspect with { Picture = picture }),
        _ => Task.FromResult(work),
    };

    private Task<JobWork> FetchAsync(
        Delivery delivery, ClassificationRequest request, PictureReference reference, Func<FetchedPicture, JobWork> next)
    {
        delivery.SetAside();
        return HandBackOnFailure.RunAsync(
            delivery, request, () => FetchInPlaceAsync(delivery, request, reference, next), health, log, draining);
    }

    private async Task<JobWork> FetchInPlaceAsync(
        Delivery delivery, ClassificationRequest request, PictureReference reference, Func<FetchedPicture, JobWork> next)
    {
        await _places.WaitAsync(draining);
        var isTaken = false;
        try
        {
            // Hosts that hang can keep it waiting for minutes, and its batch may be cancelled meanwhile.
            if (await stopped.FindAsync(request, delivery) is { } stop)
                return JobWork.Ended.Failed(delivery, request, instance, model: null, stop);
            var started = time.GetTimestamp();
            switch (await fetcher.FetchAsync(reference, draining))
            {
                case FetchOutcome.Fetched fetched:
                    isTaken = true;
                    return next(new FetchedPicture(
                        fetched.Bytes, time.GetElapsedTime(started), () => _places.Release()));
                case FetchOutcome.Failed failed:
                    return JobWork.Ended.Failed(delivery, request, instance, model: null, failed.Error);
                case var other:
                    throw new InvalidOperationException($"Unexpected outcome: {other}.");
            }
        }
        finally
        {
            if (!isTaken) _places.Release();
        }
    }
}

/// <summary>The steps of the two branches of the stream, each with places of its own.</summary>
internal sealed record ReferenceLoaders(ReferenceLoader Fresh, ReferenceLoader Suspects);
