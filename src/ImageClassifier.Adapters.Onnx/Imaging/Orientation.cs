using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>How a stored picture differs from the upright picture. If the axes are swapped, column u and row v of the
/// upright picture are row u and column v of the stored one. Then each stored axis may be mirrored.</summary>
/// <param name="SwapsAxes">True if stored rows are upright columns.</param>
/// <param name="MirrorsColumns">True if stored columns are in reverse order.</param>
/// <param name="MirrorsRows">True if stored rows are in reverse order.</param>
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

    /// <summary>The size after turning the picture upright, or back.</summary>
    public SKSizeI Turn(SKSizeI size) => SwapsAxes ? new SKSizeI(size.Height, size.Width) : size;
}
