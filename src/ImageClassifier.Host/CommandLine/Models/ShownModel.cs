using System.Text.Json;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Host.Models;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>All about a model: the output of <c>models show --json</c>.</summary>
/// <param name="Name">The name of the model.</param>
/// <param name="IsAdded">True if it is on this machine.</param>
/// <param name="IsInUse">True if the settings name it.</param>
/// <param name="Source">Where it is from; null if not known.</param>
/// <param name="License">The licence; null if not known.</param>
/// <param name="NetworkSha256">The SHA-256 of the downloaded network; null for a copied directory.</param>
/// <param name="Sha256">The SHA-256 that results name; null if the model was not added.</param>
/// <param name="IsChanged">True if its files changed since it was added; null if not known.</param>
/// <param name="Bytes">The size of its files, or of the download.</param>
/// <param name="Classes">The number of classes; null if the model was not added.</param>
/// <param name="Path">Its directory; null if it is not on this machine.</param>
/// <param name="Contract">The content of <c>model.json</c>.</param>
internal sealed record ShownModel(
    string Name,
    bool IsAdded,
    bool IsInUse,
    string? Source,
    string? License,
    string? NetworkSha256,
    string? Sha256,
    bool? IsChanged,
    long Bytes,
    int? Classes,
    string? Path,
    JsonElement Contract)
{
    /// <summary>The model of a name.</summary>
    /// <param name="store">The store.</param>
    /// <param name="name">A name of the store or the catalogue.</param>
    /// <param name="inUse">The directory of the settings' model; null if there is none.</param>
    /// <exception cref="ModelFailureException">There is no such model, or its directory is damaged.</exception>
    public static ShownModel Of(ModelStore store, string name, string? inUse) =>
        store.Find(name) is { } added ? Of(added, inUse)
        : ModelCatalogue.Find(name) is { } entry ? Of(entry)
        : throw store.Unknown(name);

    private static ShownModel Of(CatalogueEntry entry) => new(
        entry.Name, false, false, entry.Network.AbsoluteUri, entry.License, entry.Sha256, null, null, entry.Bytes, null,
        null, JsonElement.Parse(entry.Contract));

    private static ShownModel Of(InstalledModel model, string? inUse)
    {
        try
        {
            var directory = ModelDirectory.Load(model.Path);
            var sha256 = directory.Identity.Sha256;
            return new ShownModel(
                model.Name, true, model.Path == inUse, model.Marker?.Source, model.Marker?.License,
                model.Marker?.NetworkSha256, sha256, model.Marker is { } marker ? marker.Sha256 != sha256 : null,
                model.Bytes(), directory.Labels.Count, model.Path,
                JsonElement.Parse(File.ReadAllBytes(System.IO.Path.Combine(model.Path, ModelDirectory.ContractFile))));
        }
        catch (InvalidSettingException damage)
        {
            throw new ModelFailureException(
                $"The model {model.Name} in {model.Path} is damaged: {damage.Reason}. Remove it, and add it again.", damage);
        }
    }
}
