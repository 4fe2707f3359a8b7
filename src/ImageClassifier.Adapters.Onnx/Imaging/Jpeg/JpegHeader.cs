using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>How a JPEG is stored (ITU-T T.81, annex B).</summary>
/// <param name="Frame">Its only frame.</param>
/// <param name="Length">Where the data of the last scan that the codec reads ends.</param>
/// <param name="IsOneScan">Whether one sequential scan has all components: such a picture is decoded as it is read. Of
/// all others, the codec keeps all coefficients until the last scan.</param>
/// <param name="HasEnd">Whether a marker ends the last scan.</param>
internal sealed record JpegHeader(JpegFrame Frame, int Length, bool IsOneScan, bool HasEnd)
    : PictureHeader(SKEncodedImageFormat.Jpeg, Frame.Width, Frame.Height, Length, Origin: null)
{
    /// <summary>The refusal of a file whose markers contradict the standard.</summary>
    public const string Damaged = "The JPEG is damaged. Export it again.";

    // To walk as much takes a tenth of a millisecond.
    private const int SmallFile = 16 << 10;
    private const int BytesPerCoefficient = sizeof(short);

    // Blocks of 8, up to 4 of them a unit in each direction.
    private const int LongestUnit = 32;

    private static ReadOnlySpan<byte> EndMarker => [JpegMarker.Prefix, JpegMarker.EndOfImage];

    // libjpeg fills a buffer of 64 bits before it decodes the last bits. A file that lacks clearly more than that runs
    // out of bytes, which the codec reports. A marker there would make it fill in what is missing instead.
    private static ReadOnlySpan<byte> LookAhead => [0, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>What follows the last scan, whatever the file has there.</summary>
    public override ReadOnlySpan<byte> Ending => IsOneScan && !Frame.IsArithmetic ? LookAhead : EndMarker;

    /// <summary>The most bytes that the coefficients need, however the components are sampled.</summary>
    public override long CodecBytes => IsOneScan
        ? 0
        : (Width + LongestUnit) * ((long)Height + LongestUnit) * Frame.Components.Length * BytesPerCoefficient;

    /// <summary>Whether only <see cref="JpegScans"/> can tell that all of the picture is there: the codec fills in what
    /// the scans of a file with several lack, and says nothing. Of a small picture in one scan, what the codec reads
    /// ahead could be whole rows.</summary>
    public bool MustBeWalked => !Frame.IsArithmetic && !(IsOneScan && HasEnd && Length > SmallFile);
}
