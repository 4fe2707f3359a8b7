using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>The structure of a JPEG (ITU-T T.81, annex B).</summary>
/// <param name="Frame">The only frame.</param>
/// <param name="Length">The end of the data of the last scan that the codec reads.</param>
/// <param name="IsOneScan">True if one sequential scan has all components. Such a picture is decoded while it is read.
/// For all others, the codec keeps all coefficients until the last scan.</param>
/// <param name="HasEnd">True if a marker ends the last scan.</param>
internal sealed record JpegHeader(JpegFrame Frame, int Length, bool IsOneScan, bool HasEnd)
    : PictureHeader(SKEncodedImageFormat.Jpeg, Frame.Width, Frame.Height, Length, Origin: null)
{
    /// <summary>The error of a file whose markers contradict the standard.</summary>
    public const string Damaged = "The JPEG is damaged. Export it again.";

    // Reading all codes of a file of this size takes a tenth of a millisecond.
    private const int SmallFile = 16 << 10;
    private const int BytesPerCoefficient = sizeof(short);

    // A block is 8 pixels long, and a unit has up to 4 blocks in each direction.
    private const int LongestUnit = 32;

    private static ReadOnlySpan<byte> EndMarker => [JpegMarker.Prefix, JpegMarker.EndOfImage];

    // libjpeg fills a buffer of 64 bits before it decodes the last bits. If clearly more than that is missing, the
    // codec runs out of bytes and reports it. After a marker the codec would fill in the missing data silently.
    private static ReadOnlySpan<byte> LookAhead => [0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>The bytes after the last scan, instead of those in the file.</summary>
    public override ReadOnlySpan<byte> Ending => IsOneScan && !Frame.IsArithmetic ? LookAhead : EndMarker;

    /// <summary>The most bytes that the coefficients need, for any sampling of the components.</summary>
    public override long CodecBytes => IsOneScan
        ? 0
        : (Width + LongestUnit) * ((long)Height + LongestUnit) * Frame.Components.Length * BytesPerCoefficient;

    /// <summary>True if only <see cref="JpegScans"/> can show that the picture is complete. In a file with several
    /// scans the codec fills in missing data silently. In a small picture with one scan, the bytes that the codec reads
    /// ahead can be whole rows.</summary>
    public bool MustBeWalked => !Frame.IsArithmetic && !(IsOneScan && HasEnd && Length > SmallFile);
}
