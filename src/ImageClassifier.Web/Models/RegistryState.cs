using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Models;

/// <summary>What the registry in the store says about the models of new batches.</summary>
/// <param name="Rollout">The rollout; <see cref="ModelRollout.None"/> if the store has none.</param>
/// <param name="Standings">The standing of the active model and of the canary.</param>
internal sealed record RegistryState(
    ModelRollout Rollout, IReadOnlyDictionary<ModelReference, ModelStanding> Standings)
{
    /// <summary>Reads the rollout and the verdicts that it needs.</summary>
    /// <exception cref="IOException">The store cannot be reached, or a document is damaged.</exception>
    public static async Task<RegistryState> ReadAsync(IObjectStore store, CancellationToken cancellation)
    {
        var rollout = await ReadAsync<ModelRollout>(store, RegistryKeys.Rollout, cancellation) ?? ModelRollout.None;
        var standings = new Dictionary<ModelReference, ModelStanding>();
        ModelReference?[] chosen = [rollout.Active, rollout.Canary?.Model];
        foreach (var model in chosen.OfType<ModelReference>().Distinct())
            standings.Add(model, await ReadStandingAsync(store, rollout, model, cancellation));
        return new RegistryState(rollout, standings);
    }

    /// <summary>The model of a new batch. A model without a verdict has a fallback, because the first node that loads it
    /// can still refuse it. A batch of a refused canary gets the same as a batch of the active model.</summary>
    public ChosenModel For(BatchId batch)
    {
        var model = Rollout.For(batch);
        if (model is not null && model != Rollout.Active && Standings[model].Verdict is { IsUsable: false })
            model = Rollout.Active;
        if (model is null) return new ChosenModel(null, null);
        var standing = Standings[model];
        return standing.Verdict switch
        {
            null => new ChosenModel(model, standing.Replacement),
            { IsUsable: true } => new ChosenModel(model, null) { IsUsable = true },
            _ => new ChosenModel(standing.Replacement, null) { IsUsable = standing.Replacement is not null },
        };
    }

    private static async Task<ModelStanding> ReadStandingAsync(
        IObjectStore store, ModelRollout rollout, ModelReference model, CancellationToken cancellation)
    {
        var verdict = await ReadAsync<ModelVerdict>(store, RegistryKeys.Verdict(model), cancellation);
        if (verdict is { IsUsable: true }) return new ModelStanding(verdict, null);
        foreach (var other in rollout.InPlaceOf(model))
        {
            var read = await store.ReadDocumentAsync<ModelVerdict>(RegistryKeys.Verdict(other), cancellation);
            if (read.OrNull is { IsUsable: true }) return new ModelStanding(verdict, other);
        }

        return new ModelStanding(verdict, null);
    }

    /// <summary>A document; null if it is missing.</summary>
    private static async Task<T?> ReadAsync<T>(IObjectStore store, string key, CancellationToken cancellation)
        where T : class, IStoredDocument =>
        await store.ReadDocumentAsync<T>(key, cancellation) switch
        {
            DocumentRead<T>.Found found => found.Document,
            DocumentRead<T>.Damaged damaged => throw new IOException($"{damaged.Key} is damaged: {damaged.Why}."),
            _ => null,
        };
}

/// <summary>Whether a model can be used, and what replaces it if not.</summary>
/// <param name="Verdict">The verdict of the first node that loaded the model; null before that.</param>
/// <param name="Replacement">The best model that is known to be usable; null for the model of the nodes' setting, or if
/// none is needed.</param>
internal sealed record ModelStanding(ModelVerdict? Verdict, ModelReference? Replacement);

/// <summary>The model of a new batch.</summary>
/// <param name="Model">The model; null for the model of the nodes' setting.</param>
/// <param name="Fallback">The model to use if <paramref name="Model"/> cannot be used; null for the model of the nodes'
/// setting.</param>
internal sealed record ChosenModel(ModelReference? Model, ModelReference? Fallback)
{
    /// <summary>True if a node has found <see cref="Model"/> usable, so that the batch certainly gets it.</summary>
    public bool IsUsable { get; init; }
}
