using ImageClassifier.Adapters.Embedded;

namespace ImageClassifier.Tests.Embedded;

/// <summary>A folder for one test, which removes it at its end.</summary>
public sealed class TemporaryFolder
{
    public string Path { get; } = Directory.CreateTempSubdirectory("image-classifier-test-").FullName;

    public EmbeddedLayout Layout => new(Path);

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Remove() => Directory.Delete(Path, recursive: true);
}
