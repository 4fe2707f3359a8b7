namespace ImageClassifier.Host.Models;

/// <summary>A model below the data folder.</summary>
/// <param name="Name">The name of its folder.</param>
/// <param name="Path">The full path of its folder.</param>
/// <param name="Marker">The marker of the program; null if someone else put the folder there.</param>
internal sealed record InstalledModel(string Name, string Path, ModelMarker? Marker)
{
    /// <summary>The size of all its files in bytes.</summary>
    public long Bytes() => ModelStore.FilesIn(Path)
        .Select(file => new FileInfo(System.IO.Path.Combine(Path, file)))
        .Sum(file => file.Exists ? file.Length : 0);
}
