using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Models;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Jobs;

/// <summary>A job on its way through the stream. Every job reaches the acknowledgement of its message, whatever its
/// outcome.</summary>
/// <param name="Delivery">The message of the job.</param>
internal abstract record JobWork(Delivery Delivery)
{
    /// <summary>The message was received for the first time. Its job waits for a model.</summary>
    /// <param name="Delivery">The message of the job.</param>
    /// <param name="Request">The request; null if the message is not a valid request.</param>
    public sealed record Fresh(Delivery Delivery, ClassificationRequest? Request) : JobWork(Delivery)
    {
        /// <summary>The picture, if the request has a reference and the picture is fetched; null otherwise.</summary>
        public FetchedPicture? Picture { get; init; }
    }

    /// <summary>The job has its model, and waits for its picture.</summary>
    /// <param name="Delivery">The message of the job.</param>
    /// <param name="Request">The request.</param>
    /// <param name="Model">The model, leased until the job ends or is handed back.</param>
    public sealed record ToLoad(Delivery Delivery, ClassificationRequest Request, ModelLease Model) : JobWork(Delivery)
    {
        /// <summary>The picture, if the request has a reference and the picture is fetched; null otherwise.</summary>
        public FetchedPicture? Picture { get; init; }
    }

    /// <summary>The picture is decoded and waits for a run of its model.</summary>
    /// <param name="Delivery">The message of the job.</param>
    /// <param name="Request">The request.</param>
    /// <param name="Model">The model, leased until the job ends or is handed back.</param>
    /// <param name="Picture">The input of the model. The classifier disposes of it.</param>
    /// <param name="Fetched">The time that reading the picture took.</param>
    /// <param name="Decoded">The time that decoding it took.</param>
    public sealed record ToClassify(
        Delivery Delivery,
        ClassificationRequest Request,
        ModelLease Model,
        DecodedPicture Picture,
        TimeSpan Fetched,
        TimeSpan Decoded) : JobWork(Delivery);

    /// <summary>The picture may have killed a node: it must be tried in a process of its own.</summary>
    /// <param name="Delivery">The message of the job.</param>
    /// <param name="Request">The request.</param>
    public sealed record Suspect(Delivery Delivery, ClassificationRequest Request) : JobWork(Delivery)
    {
        /// <summary>The picture, if the request has a reference and the picture is fetched; null otherwise.</summary>
        public FetchedPicture? Picture { get; init; }
    }

    /// <summary>The suspect has its model, and waits for its turn.</summary>
    /// <param name="Delivery">The message of the job.</param>
    /// <param name="Request">The request.</param>
    /// <param name="Model">The model, leased until the job ends or is handed back.</param>
    public sealed record ToTry(Delivery Delivery, ClassificationRequest Request, ModelLease Model) : JobWork(Delivery)
    {
        /// <summary>The picture, if the request has a reference and the picture is fetched; null otherwise.</summary>
        public FetchedPicture? Picture { get; init; }
    }

    /// <summary>The job has a result: classified or failed.</summary>
    /// <param name="Delivery">The message of the job.</param>
    /// <param name="Request">The request.</param>
    /// <param name="Result">The result.</param>
    public sealed record Ended(Delivery Delivery, ClassificationRequest Request, JobResult Result) : JobWork(Delivery)
    {
        /// <summary>True if the store has this result.</summary>
        public bool IsStored { get; init; }

        /// <summary>How the message is settled after the result is published.</summary>
        public Settlement Settlement { get; init; } = Settlement.Delete;

        /// <summary>A job whose result is in the store. If the job failed with too many attempts, its message is handed
        /// back until the queue moves it to the dead-letter queue. Any other message is deleted.</summary>
        public static Ended Stored(Delivery delivery, ClassificationRequest request, JobResult stored) =>
            new(delivery, request, stored)
            {
                IsStored = true,
                Settlement = stored.Error?.Code == JobErrorCodes.TooManyAttempts
                    ? Settlement.HandBack
                    : Settlement.Delete,
            };

        /// <summary>A job that the model classified.</summary>
        public static Ended Classified(
            Delivery delivery,
            ClassificationRequest request,
            InstanceId instance,
            ModelIdentity model,
            IReadOnlyList<Prediction> predictions,
            JobTimings timings) =>
            new(delivery, request, new JobResult(
                request.Job, request.Batch, request.Attempt, JobStatus.Classified, predictions, null, model, instance,
                timings));

        /// <summary>A job that failed for good.</summary>
        public static Ended Failed(
            Delivery delivery,
            ClassificationRequest request,
            InstanceId instance,
            ModelIdentity? model,
            JobError error) =>
            new(delivery, request, new JobResult(
                request.Job, request.Batch, request.Attempt, JobStatus.Failed, [], error, model, instance, null));
    }

    /// <summary>The job cannot be done now: its message is handed back.</summary>
    /// <param name="Delivery">The message of the job.</param>
    public sealed record NotDone(Delivery Delivery) : JobWork(Delivery);
}
