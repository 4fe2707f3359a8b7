using ImageClassifier.Host.Models;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>A model that can be used or downloaded: an entry of <c>models list --json</c>.</summary>
/// <param name="Name">The value of the setting <c>node.classification.model</c>.</param>
/// <param name="Source"><c>catalogue</c>, <c>own</c> (added by the user) or <c>directory</c> (elsewhere).</param>
/// <param name="IsAdded">True if it is on this machine.</param>
/// <param name="IsInUse">True if the settings name it.</param>
/// <param name="Bytes">The size of its files, or of the download; null for a directory elsewhere.</param>
/// <param name="License">The licence; null if not known.</param>
/// <param name="About">What the model is good for; null if not known.</param>
/// <param name="Path">Its directory; null if it is not on this machine.</param>
internal sealed record ListedModel(
    string Name, string Source, bool IsAdded, bool IsInUse, long? Bytes, string? License, string? About, string? Path)
{
    /// <summary>All models: those of the catalogue, those of the store, and the one in use.</summary>
    /// <param name="store">The store.</param>
    /// <param name="inUse">The directory of the settings' model; null if there is none.</param>
    /// <param name="setting">The value of the setting.</param>
    public static IReadOnlyList<ListedModel> All(ModelStore store, string? inUse, string setting)
    {
        var added = store.List();
        var catalogue = ModelCatalogue.Entries.Select(entry =>
            added.FirstOrDefault(model => model.Name == entry.Name) is { } model
                ? Of(model, "catalogue", entry)
                : new ListedModel(entry.Name, "catalogue", false, false, entry.Bytes, entry.License, entry.About, null));
        var own = added.Where(model => ModelCatalogue.Find(model.Name) is null).Select(model => Of(model, "own", null));
        ListedModel[] all = [.. catalogue, .. own];
        return inUse is null || all.Any(model => model.IsInUse)
            ? all
            : [.. all, new ListedModel(setting, "directory", true, true, null, null, null, inUse)];

        ListedModel Of(InstalledModel model, string source, CatalogueEntry? entry) => new(
            model.Name, source, true, model.Path == inUse, model.Bytes(), model.Marker?.License, entry?.About, model.Path);
    }
}
