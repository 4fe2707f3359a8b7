using System.Text;

namespace ImageClassifier.Core.Formats;

/// <summary>The kind of a file.</summary>
/// <param name="Name">The name as it follows "The file is": <c>a HEIC picture</c>.</param>
/// <param name="Format">The format, if the kind can be allowed; null for every other kind.</param>
/// <param name="Remedy">What to send instead, as a sentence; null for pictures, which can be exported.</param>
public sealed record FileKind(string Name, PictureFormat? Format, string? Remedy);

/// <summary>Recognises kinds of file: pictures that can be allowed, and files that people send by mistake.</summary>
public static class FileKinds
{
    /// <summary>The number of first bytes that are enough for <see cref="FromBytes"/>.</summary>
    public const int HeadLength = 1024;

    private const string SendThePicture = "Send the picture itself.";
    private const string Unpack = "Unpack it and send the pictures in it.";

    private delegate bool Signature(ReadOnlySpan<byte> head);

    // The first matching row counts, so a special kind comes before a general one.
    private static readonly Row[] Table =
    [
        new("a JPEG picture", Starts(0xFF, 0xD8, 0xFF), ".jpg", ".jpeg", ".jfif", ".jpe", ".jif", ".pjp", ".pjpeg")
        {
            Format = PictureFormat.Jpeg,
        },
        new("a PNG picture", Starts(0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A), ".png")
        {
            Format = PictureFormat.Png,
        },
        new("a WebP picture", Riff("WEBP"), ".webp") { Format = PictureFormat.WebP },
        new("a HEIC picture", head => IsoMedia.HasBrand(head, "heic", "heix", "heim", "heis", "hevc", "hevx"), ".heic"),
        new("an AVIF picture", head => IsoMedia.HasBrand(head, "avif", "avis"), ".avif"),
        new("a HEIF picture", head => IsoMedia.HasBrand(head, "mif1", "msf1", "heif"), ".heif", ".hif"),
        new("a GIF picture", Starts("GIF8"), ".gif"),
        new("a BMP picture", IsBitmap, ".bmp", ".dib"),
        new("a TIFF picture", Any(Starts("II*\0"), Starts("MM\0*"), Starts("II+\0"), Starts("MM\0+")), ".tif", ".tiff"),
        new("a JPEG XL picture",
            Any(Starts(0xFF, 0x0A), Starts(0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A)), ".jxl"),
        new("a JPEG 2000 picture",
            Any(Starts(0xFF, 0x4F, 0xFF, 0x51), Starts(0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20, 0x0D, 0x0A, 0x87, 0x0A)),
            ".jp2", ".j2k", ".jpf", ".jpx"),
        new("an icon", Any(Starts(0, 0, 1, 0), Starts(0, 0, 2, 0)), ".ico", ".cur"),
        new("a Photoshop picture", Starts("8BPS"), ".psd", ".psb"),
        new("a camera's raw picture", head => IsoMedia.HasBrand(head, "crx "), ".cr2", ".cr3", ".nef", ".arw", ".dng"),
        new("an SVG drawing", head => TextHead.Of(head)?.FirstElement is "svg", ".svg"),
        new("a PDF document", Starts("%PDF-"), ".pdf") { Remedy = "Export its pages as pictures and send those." },
        new("a video", Any(IsoMedia.IsMovie, Riff("AVI "), Starts(0x1A, 0x45, 0xDF, 0xA3)),
            ".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm") { Remedy = "Send single pictures of it." },
        new("a ZIP archive", Any(Starts("PK\x03\x04"), Starts("PK\x05\x06")), ".zip") { Remedy = Unpack },
        new("an archive", Any(Starts(0x1F, 0x8B), Starts("Rar!"), Starts(0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C)),
            ".gz", ".tgz", ".rar", ".7z", ".tar") { Remedy = Unpack },
        new("macOS's notes about a file, not the file itself", Starts(0x00, 0x05, 0x16, 0x07))
        {
            Remedy = "Leave out files whose name begins with ._ and send the picture.",
        },
        new("a Git LFS pointer, not the picture itself",
            Any(Starts("version https://git-lfs.github.com/"), Starts("version https://hawser.github.com/")))
        {
            Remedy = "Run git lfs pull and send the picture.",
        },
        new("a picture written as Base64 text", Any(Starts("data:image/"), Starts("/9j/"), Starts("iVBORw0KGgo")))
        {
            Remedy = "Decode it and send its bytes.",
        },
        new("a web page (HTML), not the picture itself",
            head => TextHead.Of(head)?.FirstElement is "html" or "head" or "body" or "script" or "meta" or "title",
            ".html", ".htm", ".xhtml") { Remedy = "Download the picture and send that." },
        new("text, not a picture", head => TextHead.Of(head) is not null, ".txt", ".json", ".csv", ".xml", ".md")
        {
            Remedy = SendThePicture,
        },
    ];

    /// <summary>The kind of a file by its first bytes; null if it is unknown.</summary>
    /// <param name="head">The first bytes; <see cref="HeadLength"/> are enough.</param>
    public static FileKind? FromBytes(ReadOnlySpan<byte> head)
    {
        head = head[..Math.Min(head.Length, HeadLength)];
        foreach (var row in Table)
        {
            if (row.Fits(head)) return row.Kind;
        }

        return null;
    }

    /// <summary>The kind of a file by the extension of its name, in any case; null if it is unknown.</summary>
    /// <param name="extension">The extension, with its dot.</param>
    public static FileKind? FromExtension(string extension) =>
        Array.Find(Table, row => row.Extensions.Contains(extension, StringComparer.OrdinalIgnoreCase))?.Kind;

    private static Signature Starts(params byte[] bytes) => head => head.StartsWith(bytes);

    private static Signature Starts(string ascii) => Starts(Encoding.ASCII.GetBytes(ascii));

    private static Signature Any(params Signature[] signatures) =>
        head =>
        {
            foreach (var fits in signatures)
            {
                if (fits(head)) return true;
            }

            return false;
        };

    private static Signature Riff(string form)
    {
        var bytes = Encoding.ASCII.GetBytes(form);
        return head => head.Length >= 12 && head.StartsWith("RIFF"u8) && head[8..].StartsWith(bytes);
    }

    // A text can begin with BM too, so the length of the next header must be one that exists.
    private static bool IsBitmap(ReadOnlySpan<byte> head) =>
        head.Length >= 18 && head.StartsWith("BM"u8) && head[14] is 12 or 40 or 52 or 56 or 64 or 108 or 124
        && head[15..18].IndexOfAnyExcept((byte)0) < 0;

    private sealed record Row(string Name, Signature Fits, params string[] Extensions)
    {
        public PictureFormat? Format { get; init; }

        public string? Remedy { get; init; }

        public FileKind Kind => new(Name, Format, Remedy);
    }
}
