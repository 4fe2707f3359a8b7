using System.Buffers.Binary;
using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>Reads the orientation from EXIF data (TIFF 6.0, tag 274).</summary>
internal static class ExifOrientation
{
    private const int HeaderBytes = 8;
    private const int EntryBytes = 12;
    private const ushort OrientationTag = 0x0112;
    private const ushort ShortType = 3;

    // The beginning of EXIF data in a JPEG. Some programs copy it into other files too.
    private static ReadOnlySpan<byte> Prefix => "Exif\0\0"u8;

    /// <summary>The orientation; upright if the data has none, or is damaged. Reads only the first directory.</summary>
    public static SKEncodedOrigin Read(ReadOnlySpan<byte> exif)
    {
        if (exif.StartsWith(Prefix)) exif = exif[Prefix.Length..];
        var isLittleEndian = exif.StartsWith("II*\0"u8);
        var isTiff = isLittleEndian || exif.StartsWith("MM\0*"u8);
        if (exif.Length < HeaderBytes || !isTiff) return SKEncodedOrigin.TopLeft;
        var tiff = new Tiff(exif, isLittleEndian);
        var directory = tiff.Long(4);
        if (directory > exif.Length - 2) return SKEncodedOrigin.TopLeft;
        var entries = tiff.Short((int)directory);
        for (var at = (int)directory + 2; entries > 0 && at <= exif.Length - EntryBytes; at += EntryBytes, entries--)
        {
            if (tiff.Short(at) != OrientationTag || tiff.Short(at + 2) != ShortType || tiff.Long(at + 4) != 1) continue;
            var orientation = tiff.Short(at + 8);
            return orientation is >= 1 and <= 8 ? (SKEncodedOrigin)orientation : SKEncodedOrigin.TopLeft;
        }

        return SKEncodedOrigin.TopLeft;
    }

    private readonly ref struct Tiff(ReadOnlySpan<byte> bytes, bool isLittleEndian)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public ushort Short(int at) => isLittleEndian
            ? BinaryPrimitives.ReadUInt16LittleEndian(_bytes[at..])
            : BinaryPrimitives.ReadUInt16BigEndian(_bytes[at..]);

        public uint Long(int at) => isLittleEndian
            ? BinaryPrimitives.ReadUInt32LittleEndian(_bytes[at..])
            : BinaryPrimitives.ReadUInt32BigEndian(_bytes[at..]);
    }
}
