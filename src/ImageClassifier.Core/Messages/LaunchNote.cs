using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Messages;

/// <summary>Notes a launch of app nodes: the object at <see cref="ObjectKeys.Launch"/>. The scaler writes it before the
/// launch, so a later scaler knows of instances that the fleet does not show yet. The object's modification time is the
/// time of the note.</summary>
/// <param name="ClientToken">The launch's client token.</param>
/// <param name="Count">How many instances the scaler asks for. If fewer are launched, the scaler corrects it.</param>
public sealed record LaunchNote(string ClientToken, int Count) : IStoredDocument
{
    /// <inheritdoc />
    public bool IsWholeAt(string key) => !string.IsNullOrEmpty(ClientToken) && Count >= 0;
}
