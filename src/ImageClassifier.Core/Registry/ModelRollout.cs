using System.Globalization;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Registry;

/// <summary>Says which models of the registry new batches get: the object at <see cref="RegistryKeys.Rollout"/>. Without
/// it, nodes use the model of their setting.</summary>
/// <param name="Active">The model of new batches; null for the model of the nodes' setting.</param>
/// <param name="Earlier">The models that were active before, latest first. A rollback activates the first of them, or
/// the model of the setting if there is none.</param>
/// <param name="Canary">The model of a share of the new batches; null for none.</param>
public sealed record ModelRollout(
    ModelReference? Active, IReadOnlyList<ModelReference> Earlier, ModelCanary? Canary) : IStoredDocument
{
    /// <summary>The most models in <see cref="Earlier"/>.</summary>
    public const int MostEarlier = 10;

    /// <summary>The state without an object: nodes use the model of their setting.</summary>
    public static ModelRollout None { get; } = new(null, [], null);

    /// <inheritdoc />
    public bool IsWholeAt(string key) =>
        key == RegistryKeys.Rollout && Active is null or { IsValid: true }
        && Earlier is { Count: <= MostEarlier } && Earlier.All(model => model is { IsValid: true })
        && Canary is null or { Model.IsValid: true, Share: > 0 and <= 1 };

    /// <summary>The state after a model becomes active. It ends the canary.</summary>
    public ModelRollout Activate(ModelReference model) =>
        model == Active
            ? this with { Canary = null }
            : new ModelRollout(
                model,
                Active is null ? [] : [.. Earlier.Prepend(Active).Where(other => other != model).Take(MostEarlier)],
                Canary: null);

    /// <summary>The state after a rollback: the canary ends if there is one. Otherwise the model that was active before
    /// is active again.</summary>
    public ModelRollout RollBack() =>
        Canary is not null
            ? this with { Canary = null }
            : new ModelRollout(Earlier is [var latest, ..] ? latest : null, [.. Earlier.Skip(1)], Canary: null);

    /// <summary>Chooses the model of a batch. All web nodes choose the same, because the choice depends on the batch's id
    /// only.</summary>
    public ModelReference? For(BatchId batch)
    {
        if (Canary is null) return Active;
        var place = uint.Parse(batch.Value.AsSpan(0, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return place < Canary.Share * (1L << 32) ? Canary.Model : Active;
    }

    /// <summary>The models that can take the place of a model that cannot be used, best first. After them, the model of
    /// the setting.</summary>
    public IEnumerable<ModelReference> InPlaceOf(ModelReference model) =>
        (Active is null ? [] : Earlier.Prepend(Active)).Where(other => other != model);
}

/// <summary>A model that a share of the new batches gets, so that its results can be compared.</summary>
/// <param name="Model">The model.</param>
/// <param name="Share">The share of batches: above 0, at most 1.</param>
public sealed record ModelCanary(ModelReference Model, double Share);
