namespace ImageClassifier.Core.Storage;

/// <summary>The formats of pictures that can be let in.</summary>
public enum PictureFormat
{
    /// <summary>JPEG.</summary>
    Jpeg,

    /// <summary>PNG.</summary>
    Png,

    /// <summary>WebP; let in only where an operator allows it.</summary>
    WebP,
}

/// <summary>How each format is recognised, stored and served.</summary>
public static class PictureFormats
{
    /// <summary>The format that the first bytes show; null where the file is something else.</summary>
    /// <param name="head">The file's beginning; <see cref="FileKinds.HeadLength"/> bytes are enough.</param>
    public static PictureFormat? FromBytes(ReadOnlySpan<byte> head) => FileKinds.FromBytes(head)?.Format;

    /// <summary>The format's name, for people.</summary>
    public static string Name(PictureFormat format) => format switch
    {
        PictureFormat.Jpeg => "JPEG",
        PictureFormat.Png => "PNG",
        PictureFormat.WebP => "WebP",
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    /// <summary>The extension under which a format is stored, with its dot.</summary>
    public static string Extension(PictureFormat format) => format switch
    {
        PictureFormat.Jpeg => ".jpg",
        PictureFormat.Png => ".png",
        PictureFormat.WebP => ".webp",
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    /// <summary>The format's media type.</summary>
    public static string ContentType(PictureFormat format) => format switch
    {
        PictureFormat.Jpeg => "image/jpeg",
        PictureFormat.Png => "image/png",
        PictureFormat.WebP => "image/webp",
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };
}
