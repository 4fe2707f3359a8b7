using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Host.Models;

/// <summary>Reads the registry of models in an object store, and changes which models new batches get.</summary>
/// <param name="store">The store.</param>
internal sealed class ModelRegistry(IObjectStore store)
{
    /// <summary>Which models new batches get.</summary>
    public Task<DocumentRead<ModelRollout>> ReadRolloutAsync(CancellationToken cancellation) =>
        store.ReadDocumentAsync<ModelRollout>(RegistryKeys.Rollout, cancellation);

    /// <summary>Sets which models new batches get. The last of several writers wins.</summary>
    public Task WriteRolloutAsync(ModelRollout rollout, CancellationToken cancellation) =>
        store.PutAsync(RegistryKeys.Rollout, WireJson.WriteUtf8(rollout), cancellation);

    /// <summary>The pushed models, by name and then by the time of their push.</summary>
    /// <param name="name">The name of the models; null for all.</param>
    /// <param name="cancellation">Cancels the calls.</param>
    public async Task<IReadOnlyList<RegisteredModel>> ListAsync(string? name, CancellationToken cancellation)
    {
        var models = new List<RegisteredModel>();
        var prefix = name is null ? ObjectKeys.Models : $"{ObjectKeys.Models}{name}/";
        await foreach (var found in store.ListAsync(prefix, cancellation))
        {
            if (!RegistryKeys.TryParseFiles(found.Key, out var model)) continue;
            models.Add(await ReadAsync(model, found.LastModified, cancellation));
        }

        return
        [
            .. models.OrderBy(model => model.Model.Name, StringComparer.Ordinal)
                .ThenBy(model => model.PushedAt)
                .ThenBy(model => model.Model.Sha256, StringComparer.Ordinal),
        ];
    }

    /// <summary>What the registry has of a model.</summary>
    public Task<RegisteredModel> ReadAsync(ModelReference model, CancellationToken cancellation) =>
        ReadAsync(model, null, cancellation);

    /// <summary>The one version that a selector chooses.</summary>
    /// <exception cref="ModelFailureException">It chooses none, or several.</exception>
    public async Task<RegisteredModel> FindAsync(ModelSelector wanted, CancellationToken cancellation)
    {
        var versions = await ListAsync(wanted.Name, cancellation);
        if (versions.Count == 0) throw await UnknownAsync(wanted.Name, cancellation);
        RegisteredModel[] chosen =
        [
            .. versions.Where(version => version.Model.Sha256.StartsWith(wanted.Digits, StringComparison.Ordinal)),
        ];
        return chosen.Length switch
        {
            1 => chosen[0],
            0 => throw Wrong(
                $"The registry has no {wanted.Name}@{wanted.Digits}. It has {Listed(versions)}. Choose one of them, or push "
                + "the model."),
            _ => throw Wrong(
                $"The registry has several versions: {Listed(chosen)}. Name one of them, with at least "
                + $"{ModelSelector.FewestDigits} digits."),
        };
    }

    private async Task<RegisteredModel> ReadAsync(
        ModelReference model, DateTimeOffset? pushedAt, CancellationToken cancellation) => new(
            model,
            pushedAt,
            await store.ReadDocumentAsync<PushedModel>(RegistryKeys.Files(model), cancellation),
            await store.ReadDocumentAsync<ModelVerdict>(RegistryKeys.Verdict(model), cancellation));

    private async Task<ModelFailureException> UnknownAsync(string name, CancellationToken cancellation)
    {
        string[] names = [.. (await ListAsync(null, cancellation)).Select(model => model.Model.Name).Distinct()];
        return Wrong(
            $"The registry has no model {name}. "
            + (names.Length > 0 ? $"It has: {string.Join(", ", names)}. " : "It is empty. ")
            + $"Push the model first: image-classifier models push {name}.");
    }

    private static string Listed(IEnumerable<RegisteredModel> versions) =>
        string.Join(", ", versions.Select(version => $"{version.Model} (pushed {version.PushedAt:yyyy-MM-dd HH:mm} UTC)"));

    private static ModelFailureException Wrong(string message) => new(message) { IsWrongUse = true };
}
