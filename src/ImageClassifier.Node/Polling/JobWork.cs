using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>A job on its way through the node. Whatever becomes of it, it goes the whole way, to the acknowledgement of
/// its message.</summary>
/// <param name="Delivery">Its message.</param>
internal abstract record JobWork(Delivery Delivery)
{
    /// <summary>Its picture is decoded.</summary>
    /// <param name="Delivery">Its message.</param>
    /// <param name="Request">What was asked.</param>
    /// <param name="Picture">The model's input; the classifier disposes of it.</param>
    /// <param name="Fetched">How long reading the picture took.</param>
    /// <param name="Decoded">How long decoding it took.</param>
    public sealed record ToClassify(
        Delivery Delivery,
        ClassificationRequest Request,
        DecodedPicture Picture,
        TimeSpan Fetched,
        TimeSpan Decoded) : JobWork(Delivery);

    /// <summary>Its picture may have killed a node: it is to be tried in a process of its own.</summary>
    /// <param name="Delivery">Its message.</param>
    /// <param name="Request">What was asked.</param>
    public sealed record Suspect(Delivery Delivery, ClassificationRequest Request) : JobWork(Delivery);

    /// <summary>It has ended, classified or failed.</summary>
    /// <param name="Delivery">Its message.</param>
    /// <param name="Request">What was asked.</param>
    /// <param name="Result">How it ended.</param>
    public sealed record Ended(Delivery Delivery, ClassificationRequest Request, JobResult Result) : JobWork(Delivery)
    {
        /// <summary>Whether this result is the stored one.</summary>
        public bool IsStored { get; init; }

        /// <summary>What becomes of the message once the result is published.</summary>
        public Settlement Settlement { get; init; } = Settlement.Delete;

        /// <summary>Its result is stored. A message that was given up is handed back until its queue moves it to the
        /// dead letters; any other is done.</summary>
        public static Ended Stored(Delivery delivery, ClassificationRequest request, JobResult stored) =>
            new(delivery, request, stored)
            {
                IsStored = true,
                Settlement = stored.Error?.Code == JobErrorCodes.TooManyAttempts
                    ? Settlement.HandBack
                    : Settlement.Delete,
            };

        /// <summary>It was classified.</summary>
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

        /// <summary>It failed for good.</summary>
        public static Ended Failed(
            Delivery delivery, ClassificationRequest request, InstanceId instance, JobError error) =>
            new(delivery, request, new JobResult(
                request.Job, request.Batch, request.Attempt, JobStatus.Failed, [], error, null, instance, null));
    }

    /// <summary>It could not be done now: its message is handed back.</summary>
    /// <param name="Delivery">Its message.</param>
    public sealed record NotDone(Delivery Delivery) : JobWork(Delivery);
}
