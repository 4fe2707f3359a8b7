namespace ImageClassifier.Core.Messages;

/// <summary>A message to send.</summary>
/// <param name="Body">A text of at most <see cref="MaxBodyBytes"/> as UTF-8.</param>
/// <param name="GroupId">The group whose messages keep their order; at most 128 characters.</param>
/// <param name="DeduplicationId">Identifies this send; at most 128 characters.</param>
public sealed record OutgoingMessage(string Body, string GroupId, string DeduplicationId)
{
    /// <summary>The most bytes of a body as UTF-8.</summary>
    public const int MaxBodyBytes = 256 * 1024;
}
