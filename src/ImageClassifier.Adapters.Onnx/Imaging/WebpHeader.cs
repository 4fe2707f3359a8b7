using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>The structure of a WebP.</summary>
/// <param name="Width">The width in pixels.</param>
/// <param name="Height">The height in pixels.</param>
/// <param name="Length">The end of the file by its own header.</param>
/// <param name="Origin">The orientation in its EXIF chunk, which the codec does not read.</param>
internal sealed record WebpHeader(int Width, int Height, int Length, SKEncodedOrigin? Origin)
    : PictureHeader(SKEncodedImageFormat.Webp, Width, Height, Length, Origin)
{
    // The pixels, and for a lossless picture the same again for prediction.
    private const int BytesPerPixel = 8;

    /// <summary>The codec copies the file, and decodes the whole picture before it scales it.</summary>
    public override long CodecBytes => (long)Width * Height * BytesPerPixel + Length;
}
