using ImageClassifier.Core.Messages;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Jobs;

/// <summary>A received message and the request in it.</summary>
/// <param name="Delivery">The message.</param>
/// <param name="Request">The request; null if the message is not a valid request.</param>
internal sealed record JobArrival(Delivery Delivery, ClassificationRequest? Request)
{
    /// <summary>True if the picture may have killed a node: its message was received before, or the job was sent
    /// before.</summary>
    public bool IsSuspect => Request is not null && (Delivery.Message.ReceiveCount > 1 || Request.Attempt > 1);

    /// <summary>Reads a message.</summary>
    public static JobArrival Read(Delivery delivery)
    {
        // Missing ids and keys deserialize to their default values. A picture has a key or a reference, and not both.
        var request = WireJson.TryRead<ClassificationRequest>(delivery.Message.Body);
        var hasPicture =
            request is { ImageKey.Length: > 0, Reference: null } or { ImageKey: null, Reference.IsWhole: true };
        var isRequest = hasPicture && request is
        {
            Model: null or { IsValid: true },
            Fallback: null or { IsValid: true },
        } && request.Job != default && request.Batch != default;
        return new JobArrival(delivery, isRequest ? request : null);
    }
}
