using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Messages;

/// <summary>The note that a job was worked on alone: the object at <see cref="ObjectKeys.AloneTry"/>. It is written
/// before the work begins, so that it is there if the work kills its node.</summary>
/// <param name="HasEnded">Whether the node lived on, though the work came to nothing. While it is false, the picture may be
/// what killed the node.</param>
public sealed record AloneTry(bool HasEnded) : IStoredDocument
{
    /// <inheritdoc />
    public bool IsWholeAt(string key) => true;
}
