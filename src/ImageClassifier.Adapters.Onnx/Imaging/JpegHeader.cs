using System.Buffers.Binary;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>How a JPEG is stored (ITU-T T.81, annex B), as far as its decoder's memory depends on it.</summary>
/// <param name="Components">How many components the picture has.</param>
/// <param name="IsOneScan">Whether one sequential scan has all of them, so that the picture is decoded as it is read.
/// All others, progressive ones above all, are whole in memory as coefficients before the first pixel comes.</param>
internal readonly record struct JpegHeader(int Components, bool IsOneScan)
{
    private const byte MarkerStart = 0xFF;
    private const byte StartOfScan = 0xDA;
    private const int BytesPerCoefficient = sizeof(short);

    // Blocks of 8, up to 4 of them a unit in each direction.
    private const int LongestUnit = 32;

    /// <summary>What is assumed of a file whose markers do not tell: the dearest that there is.</summary>
    private static JpegHeader Dearest => new(4, false);

    /// <summary>Reads the markers up to the first scan.</summary>
    public static JpegHeader Read(ReadOnlySpan<byte> file)
    {
        JpegHeader? frame = null;
        var rest = file.Length > 2 ? file[2..] : [];
        while (rest.Length >= 4 && rest[0] == MarkerStart)
        {
            var marker = rest[1];
            if (marker == MarkerStart)
            {
                // Fill bytes may come before a marker.
                rest = rest[1..];
                continue;
            }

            // Between here and the first scan these are of no use, and nothing tells what a decoder makes of them.
            if (HasNoLength(marker)) break;
            var length = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
            if (length < 2 || rest.Length < 2 + length) break;
            var content = rest.Slice(4, length - 2);
            if (marker == StartOfScan)
            {
                return frame is { } known && content.Length > 0
                    ? known with { IsOneScan = known.IsOneScan && content[0] == known.Components }
                    : Dearest;
            }

            if (IsStartOfFrame(marker))
            {
                if (frame is not null || content.Length < 6) return Dearest;
                frame = new JpegHeader(content[5], IsOneScan: marker is 0xC0 or 0xC1);
            }

            rest = rest[(2 + length)..];
        }

        return Dearest;
    }

    /// <summary>The most bytes that the coefficients of a picture need, however its components are sampled.</summary>
    public long CoefficientBytes(int width, int height) =>
        IsOneScan ? 0 : (width + LongestUnit) * ((long)height + LongestUnit) * Components * BytesPerCoefficient;

    private static bool HasNoLength(byte marker) => marker is 0x00 or 0x01 or (>= 0xD0 and <= 0xD9);

    // C4, C8 and CC are among the frames' markers, and none.
    private static bool IsStartOfFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);
}
