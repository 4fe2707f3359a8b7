using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Registry;

/// <summary>
/// Says whether nodes can use a model: the object at <see cref="RegistryKeys.Verdict"/>. The first node that loads the
/// model and tries its samples writes it, before it gives any result with the model. It is written once and holds for all
/// nodes. So no batch gets results of two models.
/// </summary>
/// <param name="IsUsable">True if the model was loaded and classified its samples correctly.</param>
/// <param name="Reason">Why it cannot be used; null if it can.</param>
/// <param name="Instance">The instance of the node.</param>
public sealed record ModelVerdict(bool IsUsable, string? Reason, InstanceId Instance) : IStoredDocument
{
    /// <inheritdoc />
    public bool IsWholeAt(string key) => Instance != default && IsUsable == (Reason is null);
}
