using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>What a picture's file says of itself, read and checked before a codec sees the file.</summary>
/// <param name="Format">The kind of file.</param>
/// <param name="Width">Stored pixels across.</param>
/// <param name="Height">Stored pixels down.</param>
/// <param name="Length">How many of the file's bytes belong to the picture. The codec gets no more.</param>
/// <param name="Origin">How the picture is turned upright; null where the codec tells.</param>
internal abstract record PictureHeader(
    SKEncodedImageFormat Format, int Width, int Height, int Length, SKEncodedOrigin? Origin)
{
    /// <summary>The refusal of a file that does not have all of its picture.</summary>
    public const string CutOff = "The picture is cut off: its end is missing. Send the whole file.";

    /// <summary>What the codec reads after the file's bytes.</summary>
    public virtual ReadOnlySpan<byte> Ending => [];

    /// <summary>Bytes that the codec keeps of the picture as a whole, besides decoded pixels.</summary>
    public virtual long CodecBytes => 0;

    /// <summary>Bytes that the codec keeps of each pixel that is decoded at once.</summary>
    public virtual int CodecBytesPerPixel => 0;
}
