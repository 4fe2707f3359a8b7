using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Registry;
using ImageClassifier.Web.Models;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Http;

/// <summary>The use of a model.</summary>
internal enum ModelRole
{
    /// <summary>New batches get it.</summary>
    Active,

    /// <summary>A share of the new batches gets it.</summary>
    Canary,

    /// <summary>Nodes have it by their setting. Batches without a model of the registry get it.</summary>
    Setting,

    /// <summary>It was active before.</summary>
    Earlier,
}

/// <summary>A model in the answer of <c>GET /api/fleet</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Sha256">Its SHA-256.</param>
/// <param name="Classes">The number of its classes; null if unknown.</param>
/// <param name="BuiltIn">True if the program brought it.</param>
/// <param name="Role">Its use; null if it only gave results.</param>
/// <param name="Share">The share of the new batches that a canary gets, from 0 to 1.</param>
/// <param name="Refusal">Why nodes refuse it; null if they do not.</param>
/// <param name="Classified">The number of classified pictures.</param>
/// <param name="Failed">The number of failed jobs.</param>
/// <param name="FailedShare">The share of failed jobs, from 0 to 1; null if it gave no results.</param>
/// <param name="MeanConfidence">The mean probability of the best labels; null if it classified nothing.</param>
/// <param name="Since">When the scaler began to count its results.</param>
internal sealed record ModelDocument(
    string Name,
    string Sha256,
    int? Classes,
    bool BuiltIn,
    ModelRole? Role,
    double? Share,
    string? Refusal,
    long Classified,
    long Failed,
    double? FailedShare,
    double? MeanConfidence,
    DateTimeOffset? Since);

/// <summary>Puts together what is known about each model: its use, its figures, and whether nodes refuse it. A model is
/// known by its SHA-256, because the registry can have it under another name than its own. A model with several uses has a row
/// for each, with the same figures.</summary>
internal sealed class FleetModels(FleetStatus fleet, RegistryState? registry, KnownModels known)
{
    private readonly Dictionary<string, ModelIdentity> _identities = Identities(fleet, known)
        // Results of earlier versions do not say the number of classes.
        .OrderBy(model => model.Classes is null)
        .DistinctBy(model => model.Sha256)
        .ToDictionary(model => model.Sha256);

    /// <summary>The models: active, canary, of the setting, earlier, and others that gave results.</summary>
    public IEnumerable<ModelDocument> Documents
    {
        get
        {
            var used = Used().ToList();
            var hashes = used.Select(model => model.Sha256).ToHashSet();
            var others = fleet.Models.Select(figures => figures.Model).Where(model => !hashes.Contains(model.Sha256))
                .Select(model => new Use(model.Sha256, model.Name, Role: null));
            return used.Concat(others).DistinctBy(model => (model.Sha256, model.Role)).Select(Document);
        }
    }

    private static IEnumerable<ModelIdentity> Identities(FleetStatus fleet, KnownModels known) =>
    [
        .. OfSetting(fleet, known),
        .. fleet.Instances.SelectMany(instance => instance.Record?.Loaded ?? []),
        .. fleet.Models.Select(figures => figures.Model),
    ];

    private static IEnumerable<ModelIdentity> OfSetting(FleetStatus fleet, KnownModels known) =>
        fleet.Instances
            .Where(instance => instance.State != InstanceState.Ended)
            .Select(instance => instance.Record?.Model)
            .Prepend(known.OfSetting)
            .OfType<ModelIdentity>();

    private IEnumerable<Use> Used()
    {
        var rollout = registry?.Rollout ?? ModelRollout.None;
        if (rollout.Active is { } active) yield return Of(active, ModelRole.Active);
        if (rollout.Canary is { Model: var canary }) yield return Of(canary, ModelRole.Canary);
        foreach (var model in OfSetting(fleet, known)) yield return new Use(model.Sha256, model.Name, ModelRole.Setting);
        foreach (var earlier in rollout.Earlier) yield return Of(earlier, ModelRole.Earlier);

        Use Of(ModelReference model, ModelRole role) => new(model.Sha256, model.Name, role)
        {
            Refusal = registry?.Standings.GetValueOrDefault(model)?.Verdict?.Reason,
        };
    }

    private ModelDocument Document(Use use)
    {
        var (sha256, name, role) = use;
        var identity = _identities.GetValueOrDefault(sha256);
        var figures = fleet.Models.Where(model => model.Model.Sha256 == sha256).ToList();
        var classified = figures.Sum(model => model.Classified);
        var failed = figures.Sum(model => model.Failed);
        return new ModelDocument(
            identity?.Name ?? name,
            sha256,
            identity?.Classes,
            BuiltIn: sha256 == known.BuiltInSha256,
            role,
            Share: role == ModelRole.Canary ? registry?.Rollout.Canary?.Share : null,
            use.Refusal,
            classified,
            failed,
            FailedShare: classified + failed > 0 ? (double)failed / (classified + failed) : null,
            MeanConfidence: classified > 0 ? figures.Sum(model => model.ConfidenceSum) / classified : null,
            Since: figures.Count > 0 ? figures.Min(model => model.Since) : null);
    }

    private sealed record Use(string Sha256, string Name, ModelRole? Role)
    {
        /// <summary>Why nodes refuse the model under this name of the registry.</summary>
        public string? Refusal { get; init; }
    }
}
