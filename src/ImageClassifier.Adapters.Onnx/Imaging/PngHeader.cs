using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>The structure of a PNG.</summary>
/// <param name="Width">The width in pixels.</param>
/// <param name="Height">The height in pixels.</param>
/// <param name="Length">The end of its last whole chunk before IEND. The codec needs no IEND, so it treats files with
/// and without it alike.</param>
/// <param name="IsInterlaced">True if its rows come in seven passes.</param>
/// <param name="Origin">The orientation in its eXIf chunk, which the codec does not read before the pixels.</param>
internal sealed record PngHeader(int Width, int Height, int Length, bool IsInterlaced, SKEncodedOrigin? Origin)
    : PictureHeader(SKEncodedImageFormat.Png, Width, Height, Length, Origin)
{
    private const int LargestPixel = 8;

    /// <summary>The codec assembles an interlaced picture in additional memory.</summary>
    public override int CodecBytesPerPixel => IsInterlaced ? LargestPixel : 0;
}
