using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>The header of a picture's file, read and checked before the codec reads the file.</summary>
/// <param name="Format">The format of the file.</param>
/// <param name="Width">The stored width in pixels.</param>
/// <param name="Height">The stored height in pixels.</param>
/// <param name="Length">The number of bytes that belong to the picture. The codec gets no more.</param>
/// <param name="Origin">The orientation of the picture; null if the codec reads it.</param>
internal abstract record PictureHeader(
    SKEncodedImageFormat Format, int Width, int Height, int Length, SKEncodedOrigin? Origin)
{
    /// <summary>The error of a truncated file.</summary>
    public const string CutOff = "The picture is cut off: its end is missing. Send the whole file.";

    /// <summary>The bytes that the codec reads after the bytes of the file.</summary>
    public virtual ReadOnlySpan<byte> Ending => [];

    /// <summary>The bytes that the codec needs for the picture as a whole, besides decoded pixels.</summary>
    public virtual long CodecBytes => 0;

    /// <summary>The bytes that the codec needs for each pixel that is decoded at once.</summary>
    public virtual int CodecBytesPerPixel => 0;
}
