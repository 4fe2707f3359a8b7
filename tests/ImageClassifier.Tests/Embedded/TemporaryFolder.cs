using ImageClassifier.Adapters.Embedded;

namespace ImageClassifier.Tests.Embedded;

/// <summary>A folder that is deleted at the end of its test.</summary>
public sealed class TemporaryFolder
{
    public string Path { get; } = Directory.CreateTempSubdirectory("image-classifier-test-").FullName;

    public EmbeddedLayout Layout => new(Path);

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Remove() => Directory.Delete(Path, recursive: true);
}
