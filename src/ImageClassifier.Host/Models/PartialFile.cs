namespace ImageClassifier.Host.Models;

/// <summary>A file that is being downloaded, and the tag of its version (<c>ETag</c>), so that a later run can
/// resume.</summary>
/// <param name="path">The path of the file. The tag is beside it.</param>
internal sealed class PartialFile(string path)
{
    private readonly string _tagPath = $"{path}.etag";

    /// <summary>The path of the file.</summary>
    public string Path => path;

    /// <summary>The bytes that arrived.</summary>
    public long Length => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    /// <summary>The tag of the version that the bytes are of; null if the server gave none.</summary>
    public string? Tag => File.Exists(_tagPath) ? File.ReadAllText(_tagPath) : null;

    /// <summary>Opens an empty file for a version.</summary>
    public FileStream Create(string? tag)
    {
        // First the old bytes go: they must never be beside the tag of another version.
        Delete();
        if (tag is not null) File.WriteAllText(_tagPath, tag);
        return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
    }

    /// <summary>Opens the file at its end.</summary>
    public FileStream Append() => new(path, FileMode.Append, FileAccess.Write, FileShare.Read);

    public void Delete()
    {
        File.Delete(path);
        File.Delete(_tagPath);
    }
}
