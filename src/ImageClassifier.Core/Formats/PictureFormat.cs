
namespace ImageClassifier.Core.Formats;

/// <summary>The picture formats that can be allowed.</summary>
public enum PictureFormat
{
    /// <summary>JPEG.</summary>
    Jpeg,

    /// <summary>PNG.</summary>
    Png,

    /// <summary>WebP, which an operator must allow.</summary>
    WebP,
}

/// <summary>How each format is recognised, stored and served.</summary>
public static class PictureFormats
{
    /// <summary>The format of a file by its first bytes; null if it is another kind of file.</summary>
    /// <param name="head">The first bytes; <see cref="FileKinds.HeadLength"/> are enough.</param>
    public static PictureFormat? FromBytes(ReadOnlySpan<byte> head) => FileKinds.FromBytes(head)?.Format;

    /// <summary>The name of the format, for people.</summary>
    public static string Name(PictureFormat format) => format switch
    {
        PictureFormat.Jpeg => "JPEG",
        PictureFormat.Png => "PNG",
        PictureFormat.WebP => "WebP",
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    /// <summary>The extension of stored files of the format, with its dot.</summary>
    public static string Extension(PictureFormat format) => format switch
    {
        PictureFormat.Jpeg => ".jpg",
        PictureFormat.Png => ".png",
        PictureFormat.WebP => ".webp",
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    /// <summary>The media type of the format.</summary>
    public static string ContentType(PictureFormat format) => format switch
    {
        PictureFormat.Jpeg => "image/jpeg",
        PictureFormat.Png => "image/png",
        PictureFormat.WebP => "image/webp",
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };
}
