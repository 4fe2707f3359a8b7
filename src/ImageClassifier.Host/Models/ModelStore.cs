using ImageClassifier.Core.Registry;

namespace ImageClassifier.Host.Models;

/// <summary>The models below a data folder, each in a folder of its name. A folder appears there whole, by a rename, so
/// nobody ever sees half a model.</summary>
/// <param name="folder">The full path of the folder of models. It may not exist yet.</param>
internal sealed class ModelStore(string folder)
{
    // No name of a model begins with a dot.
    private const string UnfinishedFolder = ".unfinished";

    /// <summary>The full path of the folder of models.</summary>
    public string Folder => folder;

    /// <summary>All models, by name.</summary>
    public IReadOnlyList<InstalledModel> List() => !Directory.Exists(folder)
        ? []
        :
        [
            .. Directory.EnumerateDirectories(folder)
                .Select(path => Find(Path.GetFileName(path)))
                .OfType<InstalledModel>()
                .OrderBy(model => model.Name, StringComparer.Ordinal),
        ];

    /// <summary>The model of a name; null if there is none.</summary>
    public InstalledModel? Find(string name)
    {
        if (!ModelName.IsValid(name)) return null;
        var directory = new DirectoryInfo(Path.Combine(folder, name));
        if (!directory.Exists) return null;
        return new InstalledModel(
            name, directory.FullName, directory.LinkTarget is null ? ModelMarker.TryRead(directory.FullName) : null);
    }

    /// <summary>Begins to add or remove a model. Until the end, no other process can.</summary>
    /// <exception cref="ModelFailureException">Another process is adding or removing it.</exception>
    public UnfinishedModel Begin(string name) =>
        UnfinishedModel.Begin(Path.Combine(folder, UnfinishedFolder), name, Path.Combine(folder, name));

    /// <summary>Removes a model that the program added, or what is left of an interrupted download.</summary>
    /// <returns>False if there was only such a rest.</returns>
    /// <exception cref="ModelFailureException">There is no such model, or it has files that the program did not
    /// write.</exception>
    public bool Remove(string name)
    {
        if (!ModelName.IsValid(name)) throw Unknown(name);
        using var unfinished = Directory.Exists(folder) ? Begin(name) : throw Unknown(name);
        if (Find(name) is not { } model)
        {
            if (!unfinished.HasDownload) throw Unknown(name);
            unfinished.Discard();
            return false;
        }

        if (model.Marker is not { } marker)
        {
            throw new ModelFailureException(
                $"{model.Path} was not removed: the program did not put it there. Remove it yourself.")
            {
                IsWrongUse = true,
            };
        }

        string[] foreign = [.. FilesIn(model.Path).Except([ModelMarker.FileName, .. marker.Files])];
        if (foreign.Length > 0)
        {
            throw new ModelFailureException(
                $"{model.Path} was not removed: it has files that the program did not write "
                + $"({string.Join(", ", foreign.Take(5))}). Move them elsewhere, and run the command again.")
            {
                IsWrongUse = true,
            };
        }

        unfinished.TakeOut();
        return true;
    }

    /// <summary>The failure of a name without a model.</summary>
    public ModelFailureException Unknown(string name)
    {
        var added = List();
        return new ModelFailureException($"No model {name} was added. " + (added.Count > 0
            ? $"Added are: {string.Join(", ", added.Select(model => model.Name))}."
            : $"{folder} has no models."))
        { IsWrongUse = true };
    }

    /// <summary>What a user can do who set a model that is not there. The text ends without a full stop.</summary>
    public string AdviceFor(string name)
    {
        var add = "image-classifier models add";
        if (ModelCatalogue.Find(name) is not null)
        {
            return $"The catalogue has {name}, but it was not added yet: run {add} {name} --data "
                + Path.GetDirectoryName(folder);
        }

        var added = List();
        return $"In {folder} are "
            + (added.Count > 0 ? $"the models {string.Join(", ", added.Select(model => model.Name))}" : "no models")
            + $"; {add} NAME adds one of the catalogue: {ModelCatalogue.Names}";
    }

    /// <summary>The files below a folder, as paths with slashes, in their order. A link to a folder counts as a file, so
    /// it is not followed.</summary>
    internal static IReadOnlyList<string> FilesIn(string path) =>
    [
        .. FilesIn(new DirectoryInfo(path))
            .Select(file => Path.GetRelativePath(path, file.FullName).Replace('\\', '/'))
            .Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<FileSystemInfo> FilesIn(DirectoryInfo directory) =>
        directory.EnumerateFileSystemInfos().SelectMany(entry =>
            entry is DirectoryInfo { LinkTarget: null } inner ? FilesIn(inner) : [entry]);
}
