using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Messages;

/// <summary>Names the model of a batch that has no model of the registry: the object at
/// <see cref="ObjectKeys.BatchModel"/>. The first node that takes a job of the batch writes it, before it gives a
/// result.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="Model">The own model of that node.</param>
public sealed record BatchModel(BatchId Batch, ModelIdentity Model) : IStoredDocument
{
    /// <inheritdoc />
    public bool IsWholeAt(string key) =>
        Batch != default && key == ObjectKeys.BatchModel(Batch)
        && Model is { Name: not null } && ModelReference.IsHash(Model.Sha256);
}
