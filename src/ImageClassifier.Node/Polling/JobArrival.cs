using ImageClassifier.Core.Messages;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>A message that was received, with the request in it.</summary>
/// <param name="Delivery">The message.</param>
/// <param name="Request">What it asks; null where it is no request.</param>
internal sealed record JobArrival(Delivery Delivery, ClassificationRequest? Request)
{
    /// <summary>Whether its picture may have killed a node: it was received or sent before, so it has been with a node
    /// that left no result.</summary>
    public bool IsSuspect => Request is not null && (Delivery.Message.ReceiveCount > 1 || Request.Attempt > 1);

    /// <summary>Reads a message.</summary>
    public static JobArrival Read(Delivery delivery)
    {
        // A document without an id or a key reads as a request with none.
        var request = WireJson.TryRead<ClassificationRequest>(delivery.Message.Body);
        var isRequest = request is { ImageKey.Length: > 0 } && request.Job != default && request.Batch != default;
        return new JobArrival(delivery, isRequest ? request : null);
    }
}
