using ImageClassifier.Adapters.Onnx.Imaging.Jpeg;
using ImageClassifier.Testing;

namespace ImageClassifier.Tests.Onnx;

/// <summary>The files of the folder <c>Pictures</c>, and positions in them.</summary>
internal static class SamplePicture
{
    private static readonly string Folder =
        Path.Combine(Repository.Root, "tests", "ImageClassifier.Tests", "Onnx", "Pictures");

    /// <summary>All files, always in the same order.</summary>
    public static IEnumerable<byte[]> All => Directory.EnumerateFiles(Folder)
        .Where(path => Path.GetExtension(path) != ".md")
        .Order(StringComparer.Ordinal)
        .Select(File.ReadAllBytes);

    public static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(Folder, name));

    /// <summary>The positions of the markers of a kind in a JPEG.</summary>
    public static List<int> Markers(byte[] jpeg, params byte[] kinds)
    {
        var found = new List<int>();
        var segments = new JpegSegments(jpeg);
        while (segments.MoveNext())
        {
            if (kinds.Contains(segments.Marker)) found.Add(segments.Start);
        }

        return found;
    }

    /// <summary>The position of a JPEG's frame header.</summary>
    public static int Frame(byte[] jpeg) => Markers(jpeg, 0xC0, 0xC1, 0xC2, 0xC9, 0xCA)[0];

    /// <summary>The positions of a JPEG's scans.</summary>
    public static List<int> Scans(byte[] jpeg) => Markers(jpeg, JpegMarker.StartOfScan);

    /// <summary>The same file with one byte changed.</summary>
    public static byte[] With(byte[] file, int at, byte value)
    {
        file = [.. file];
        file[at] = value;
        return file;
    }

    /// <summary>The same file with inserted bytes.</summary>
    public static byte[] Insert(byte[] file, int at, ReadOnlySpan<byte> bytes) =>
        [.. file.AsSpan(0, at), .. bytes, .. file.AsSpan(at)];
}
