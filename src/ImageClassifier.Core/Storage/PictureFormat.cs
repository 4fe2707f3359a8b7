namespace ImageClassifier.Core.Storage;

/// <summary>The kinds of picture that are let in.</summary>
public enum PictureFormat
{
    /// <summary>JPEG, by its start-of-image marker.</summary>
    Jpeg,

    /// <summary>PNG, by its eight-byte signature.</summary>
    Png,
}

/// <summary>Tells the kinds of picture by name and by bytes.</summary>
public static class PictureFormats
{
    /// <summary>How many leading bytes <see cref="FromBytes"/> needs to tell.</summary>
    public const int SignatureLength = 8;

    private static ReadOnlySpan<byte> JpegSignature => [0xFF, 0xD8, 0xFF];

    private static ReadOnlySpan<byte> PngSignature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>The kind that a file name promises by its extension, in any case; null where it is not let in.</summary>
    public static PictureFormat? FromFileName(string fileName) =>
        Path.GetExtension(fileName).ToLowerInvariant() switch
        {
            ".jpg" or ".jpeg" => PictureFormat.Jpeg,
            ".png" => PictureFormat.Png,
            _ => null,
        };

    /// <summary>The kind that the first bytes show; null where they are of no kind that is let in.</summary>
    public static PictureFormat? FromBytes(ReadOnlySpan<byte> head) =>
        head.StartsWith(JpegSignature) ? PictureFormat.Jpeg
        : head.StartsWith(PngSignature) ? PictureFormat.Png
        : null;

    /// <summary>The extension under which a kind is stored, with its dot.</summary>
    public static string Extension(PictureFormat format) => format == PictureFormat.Jpeg ? ".jpg" : ".png";

    /// <summary>The media type of a kind.</summary>
    public static string ContentType(PictureFormat format) =>
        format == PictureFormat.Jpeg ? "image/jpeg" : "image/png";
}
