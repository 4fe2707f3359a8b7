using ImageClassifier.Core.Formats;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Finds the sample pictures of a model directory.</summary>
internal static class SampleFiles
{
    /// <summary>The most bytes of a sample, as of an upload by default.</summary>
    public const long MaxBytes = 25 << 20;

    // Each start runs all samples.
    private const int MostSamples = 100;

    private static readonly string[] Endings = [".jpg", ".jpeg", ".png", ".webp"];

    /// <summary>The samples, as paths in the model directory, by name. Files with other endings are not samples.</summary>
    /// <exception cref="FormatException">The folder is no folder, or has too many samples. The message is a
    /// clause.</exception>
    public static IReadOnlyList<string> In(string directory)
    {
        var folder = new DirectoryInfo(Path.Combine(directory, SampleNames.Folder));
        if (!folder.Exists)
        {
            if (!Path.Exists(folder.FullName)) return [];
            var kind = PathKinds.Of(folder.FullName);
            throw new FormatException(
                $"it is {(kind == PathKind.Unknown ? "no folder" : kind.InWords())}, but must be a folder of pictures; make "
                + "it one, or remove it");
        }

        string[] samples =
        [
            .. folder.EnumerateFileSystemInfos()
                .Where(entry => Endings.Contains(entry.Extension.ToLowerInvariant()))
                .Select(entry => $"{SampleNames.Folder}/{entry.Name}")
                .Order(StringComparer.Ordinal),
        ];
        return samples.Length <= MostSamples
            ? samples
            : throw new FormatException(
                $"it has {samples.Length} pictures; leave at most {MostSamples}, because every start runs all");
    }
}
