namespace ImageClassifier.Tests.Configuration;

/// <summary>A folder that is deleted at the end of its test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("image-classifier-test-").FullName;

    /// <summary>Writes a file.</summary>
    /// <returns>The path of the file.</returns>
    public string Write(string name, string content)
    {
        var path = System.IO.Path.Combine(Path, name);
        File.WriteAllText(path, content);
        return path;
    }

    /// <summary>Writes a file.</summary>
    /// <returns>The path of the file.</returns>
    public string Write(string name, byte[] content)
    {
        var path = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
