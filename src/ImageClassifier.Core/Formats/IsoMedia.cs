using System.Buffers.Binary;
using System.Text;

namespace ImageClassifier.Core.Formats;

/// <summary>Reads the first bytes of a file in the ISO base media format (ISO/IEC 14496-12): HEIC, AVIF, MP4 and
/// others.</summary>
internal static class IsoMedia
{
    private const int TypeAt = 4;
    private const int MajorBrandAt = 8;
    private const int CompatibleBrandsAt = 16;
    private const int WordLength = 4;

    // These brands mean any picture. Its coding is among the compatible brands.
    private static readonly string[] AnyCoding = ["mif1", "msf1", "heif"];

    /// <summary>True if the major brand is one of these, or if it allows any coding and a compatible brand is one of
    /// these.</summary>
    public static bool HasBrand(ReadOnlySpan<byte> head, params string[] brands)
    {
        if (WordAt(head, TypeAt) != "ftyp" || WordAt(head, MajorBrandAt) is not { } major) return false;
        if (brands.Contains(major)) return true;
        if (!AnyCoding.Contains(major)) return false;
        var end = Math.Min(head.Length, BinaryPrimitives.ReadUInt32BigEndian(head));
        for (var at = CompatibleBrandsAt; at + WordLength <= end; at += WordLength)
        {
            if (brands.Contains(WordAt(head, at))) return true;
        }

        return false;
    }

    /// <summary>True if the file has this format. The oldest QuickTime films begin without a brand.</summary>
    public static bool IsMovie(ReadOnlySpan<byte> head) => WordAt(head, TypeAt) is "ftyp" or "moov" or "mdat" or "wide";

    private static string? WordAt(ReadOnlySpan<byte> head, int at) =>
        head.Length >= at + WordLength ? Encoding.Latin1.GetString(head.Slice(at, WordLength)) : null;
}
