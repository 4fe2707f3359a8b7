using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Host.Models;

/// <summary>A version of a model in the registry, as its documents describe it.</summary>
/// <param name="Model">The model.</param>
/// <param name="PushedAt">The time of its push, by the store's clock; null if it has no list of files.</param>
/// <param name="List">Its list of files.</param>
/// <param name="Verdict">Whether nodes can use it; missing if no node has tried it.</param>
internal sealed record RegisteredModel(
    ModelReference Model,
    DateTimeOffset? PushedAt,
    DocumentRead<PushedModel> List,
    DocumentRead<ModelVerdict> Verdict)
{
    /// <summary>Why nodes cannot use it, as a clause; null if they can, or if no node has tried it.</summary>
    public string? Fault => (List, Verdict) switch
    {
        (DocumentRead<PushedModel>.Missing, _) => "it is not in the registry",
        (DocumentRead<PushedModel>.Damaged damage, _) => $"its list of files is damaged: {damage.Why}",
        (_, DocumentRead<ModelVerdict>.Damaged damage) => $"its verdict is damaged: {damage.Why}",
        (_, DocumentRead<ModelVerdict>.Found { Document: { IsUsable: false } refusal }) =>
            $"the node {refusal.Instance.Value} refused it: {refusal.Reason!.TrimEnd('.')}",
        _ => null,
    };

    /// <summary>True if a node has loaded it, and all nodes can use it.</summary>
    public bool IsUsable => Fault is null && Verdict.OrNull is not null;

    /// <summary>The size of its files in bytes; null if not known. The same content is stored once.</summary>
    public long? Bytes => List.OrNull?.Files.DistinctBy(file => file.Sha256).Sum(file => file.Size);
}
