using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>How a stored picture lies against the upright one. Column u and row v of the upright picture are, where
/// axes are swapped, row u and column v of the stored one; then each stored axis may run backwards.</summary>
/// <param name="SwapsAxes">Whether stored rows are upright columns.</param>
/// <param name="MirrorsColumns">Whether stored columns run backwards.</param>
/// <param name="MirrorsRows">Whether stored rows run backwards.</param>
internal readonly record struct Orientation(bool SwapsAxes, bool MirrorsColumns, bool MirrorsRows)
{
    /// <summary>The meaning of the EXIF orientation tag (TIFF 6.0, tag 274).</summary>
    public static Orientation From(SKEncodedOrigin origin) => origin switch
    {
        SKEncodedOrigin.TopRight => new Orientation(false, true, false),
        SKEncodedOrigin.BottomRight => new Orientation(false, true, true),
        SKEncodedOrigin.BottomLeft => new Orientation(false, false, true),
        SKEncodedOrigin.LeftTop => new Orientation(true, false, false),
        SKEncodedOrigin.RightTop => new Orientation(true, false, true),
        SKEncodedOrigin.RightBottom => new Orientation(true, true, true),
        SKEncodedOrigin.LeftBottom => new Orientation(true, true, false),
        _ => default,
    };

    /// <summary>The size after the picture was turned, or turned back.</summary>
    public SKSizeI Turn(SKSizeI size) => SwapsAxes ? new SKSizeI(size.Height, size.Width) : size;
}
