using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>How a WebP is stored.</summary>
/// <param name="Width">Pixels across.</param>
/// <param name="Height">Pixels down.</param>
/// <param name="Length">Where the file ends by its own header.</param>
/// <param name="Origin">The orientation in its EXIF chunk, which the codec does not look at.</param>
internal sealed record WebpHeader(int Width, int Height, int Length, SKEncodedOrigin? Origin)
    : PictureHeader(SKEncodedImageFormat.Webp, Width, Height, Length, Origin)
{
    // The pixels, and for lossless ones as much again for what they are predicted from.
    private const int BytesPerPixel = 8;

    /// <summary>The codec copies the file, and decodes all of the picture before it scales it.</summary>
    public override long CodecBytes => (long)Width * Height * BytesPerPixel + Length;
}
