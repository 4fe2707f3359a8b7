using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Registry;

/// <summary>Lists the files of a model in the registry: the object at <see cref="RegistryKeys.Files"/>. It is written
/// after all files, so a model with a list is complete.</summary>
/// <param name="Model">The model.</param>
/// <param name="Classes">The number of its classes without a background class.</param>
/// <param name="Files">Its files.</param>
public sealed record PushedModel(ModelReference Model, int Classes, IReadOnlyList<PushedFile> Files) : IStoredDocument
{
    /// <summary>The most files of a model. Its samples are most of them.</summary>
    public const int MostFiles = 1_000;

    /// <inheritdoc />
    public bool IsWholeAt(string key) =>
        Model is { IsValid: true } && key == RegistryKeys.Files(Model) && Classes > 0
        && Files is { Count: > 0 and <= MostFiles } && Files.All(file => file is { IsValid: true })
        && Files.DistinctBy(file => file.Path).Count() == Files.Count;
}

/// <summary>A file of a model in the registry. Its bytes are the object at <see cref="RegistryKeys.File"/>.</summary>
/// <param name="Path">The relative path in the model directory, with slashes.</param>
/// <param name="Size">The number of bytes.</param>
/// <param name="Sha256">The SHA-256 of the bytes: 64 lower-case hexadecimal digits.</param>
public sealed record PushedFile(string Path, long Size, string Sha256)
{
    private const int LongestPath = 500;

    /// <summary>True if the path stays inside the model directory, and the hash and the size are well-formed.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsValid =>
        Size >= 0 && ModelReference.IsHash(Sha256) && Path is { Length: > 0 and <= LongestPath }
        && !Path.Any(c => c is '\\' or ':' || char.IsControl(c))
        && Path.Split('/').All(name => name.Length > 0 && name is not ("." or ".."));
}
