using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Messages;

/// <summary>The note that a job was sent again: the object at <see cref="ObjectKeys.Attempt"/>. It is written
/// before the message is sent, so that no crash makes a job go round without end; when the object was last modified says
/// when that was.</summary>
/// <param name="Attempt">The attempt that is under way: 2 or more.</param>
/// <param name="Lost">How often in a row the job was sent again because its message was lost; a redrive by hand starts
/// from 0.</param>
public sealed record JobAttempt(int Attempt, int Lost) : IStoredDocument
{
    /// <summary>A job that was sent once.</summary>
    public static JobAttempt First { get; } = new(1, 0);

    /// <inheritdoc />
    public bool IsWholeAt(string key) => Attempt >= 1 && Lost >= 0;
}
