using System.Text;
using ImageClassifier.Core.Formats;

namespace ImageClassifier.Training.Pictures;

/// <summary>Copies pictures by which a model is tried whenever it is loaded.</summary>
public static class SamplePictures
{
    // A model directory is copied to every node.
    private const long LargestFile = 1 << 20;

    private const int LongestFileName = 255;

    /// <summary>True if a picture is a small JPEG or PNG.</summary>
    internal static bool IsUsable(string path)
    {
        if (!File.Exists(path)) return false;
        // The length of the open file: that of a link is not that of its picture.
        using var file = File.OpenRead(path);
        return file.Length <= LargestFile && FormatOf(file) is not null;
    }

    /// <summary>Copies samples to a folder, each named by its label. A label that is too long for a file's name has no
    /// sample.</summary>
    /// <exception cref="IOException">A file cannot be copied.</exception>
    public static void Copy(string folder, IReadOnlyList<string> labels, IEnumerable<ClassFile> samples)
    {
        Directory.CreateDirectory(folder);
        foreach (var sample in samples)
        {
            var picture = File.ReadAllBytes(sample.Path);
            if (FormatOf(new MemoryStream(picture)) is not { } format) continue;
            // A model's samples are named as in addresses, where this character begins an escape.
            var label = labels[sample.Class].Replace("%", "%25", StringComparison.Ordinal);
            var name = label + PictureFormats.Extension(format);
            // The ending can make the name longer than a file system allows.
            if (Encoding.UTF8.GetByteCount(name) <= LongestFileName) File.WriteAllBytes(Path.Combine(folder, name), picture);
        }
    }

    private static PictureFormat? FormatOf(Stream file)
    {
        var head = new byte[FileKinds.HeadLength];
        var length = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        return PictureFormats.FromBytes(head.AsSpan(0, length)) is (PictureFormat.Jpeg or PictureFormat.Png) and var format
            ? format
            : null;
    }
}
