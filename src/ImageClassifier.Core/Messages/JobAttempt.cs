using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Messages;

/// <summary>Notes that a job was sent again: the object at <see cref="ObjectKeys.Attempt"/>. It is written before the
/// message is sent, so a crash cannot make a job repeat for ever. The object's modification time is the time of the
/// note.</summary>
/// <param name="Attempt">The current attempt: 2 or more.</param>
/// <param name="Lost">How many times in a row the job was sent again because its message was lost. A redrive by hand
/// resets it to 0.</param>
public sealed record JobAttempt(int Attempt, int Lost) : IStoredDocument
{
    /// <summary>The state of a job that was sent once.</summary>
    public static JobAttempt First { get; } = new(1, 0);

    /// <inheritdoc />
    public bool IsWholeAt(string key) => Attempt >= 1 && Lost >= 0;
}
