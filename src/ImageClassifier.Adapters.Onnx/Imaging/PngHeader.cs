using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>How a PNG is stored.</summary>
/// <param name="Width">Pixels across.</param>
/// <param name="Height">Pixels down.</param>
/// <param name="Length">Where its last whole chunk before IEND ends. The codec does not need IEND, so to the codec a file
/// with it and a file without it are the same.</param>
/// <param name="IsInterlaced">Whether its rows come in seven passes.</param>
/// <param name="Origin">The orientation in its eXIf chunk, which the codec overlooks before the pixels.</param>
internal sealed record PngHeader(int Width, int Height, int Length, bool IsInterlaced, SKEncodedOrigin? Origin)
    : PictureHeader(SKEncodedImageFormat.Png, Width, Height, Length, Origin)
{
    private const int LargestPixel = 8;

    /// <summary>An interlaced picture is put together in memory of its own.</summary>
    public override int CodecBytesPerPixel => IsInterlaced ? LargestPixel : 0;
}
