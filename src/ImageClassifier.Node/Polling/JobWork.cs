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
    /// <param name="Pass">Its way through the <see cref="AloneGate"/>; given back once its result is stored.</param>
    /// <param name="Fetched">How long reading the picture took.</param>
    /// <param name="Decoded">How long decoding it took.</param>
    public sealed record ToClassify(
        Delivery Delivery,
        ClassificationRequest Request,
        DecodedPicture Picture,
        IDisposable Pass,
        TimeSpan Fetched,
        TimeSpan Decoded) : JobWork(Delivery);

    /// <summary>It has ended, classified or failed.</summary>
    /// <param name="Delivery">Its message.</param>
    /// <param name="Request">What was asked.</param>
    /// <param name="Result">How it ended.</param>
    public sealed record Ended(Delivery Delivery, ClassificationRequest Request, JobResult Result) : JobWork(Delivery)
    {
        /// <summary>Whether this result is the stored one.</summary>
        public bool IsStored { get; init; }

        /// <summary>Its way through the <see cref="AloneGate"/>, given back once the result is stored: who enters after it
        /// may kill the node, and what was not stored then is lost with it.</summary>
        public IDisposable? Pass { get; init; }

        /// <summary>What becomes of the message once the result is published.</summary>
        public Settlement Settlement { get; init; } = Settlement.Delete;
    }

    /// <summary>It could not be done now: its message is handed back.</summary>
    /// <param name="Delivery">Its message.</param>
    public sealed record NotDone(Delivery Delivery) : JobWork(Delivery);
}
