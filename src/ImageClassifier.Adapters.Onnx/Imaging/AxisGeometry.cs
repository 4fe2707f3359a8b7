using ImageClassifier.Adapters.Onnx.Contract;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>The position of the crop's pixels along one axis of the upright picture.</summary>
/// <param name="Filtered">The length of the axis after the antialiasing filter.</param>
/// <param name="Final">The length after the nearest-neighbour step; the same if there is no such step.</param>
/// <param name="Offset">The start of the crop in the final picture.</param>
/// <param name="Crop">The length of the crop.</param>
internal readonly record struct AxisGeometry(long Filtered, long Final, long Offset, int Crop)
{
    /// <summary>Computes the geometry of one axis.</summary>
    /// <param name="length">The length of the upright picture along the axis.</param>
    /// <param name="shorter">The length of the picture's shorter side.</param>
    /// <param name="resize">How the model resizes.</param>
    /// <param name="crop">The length of the model's input along the axis.</param>
    public static AxisGeometry Plan(int length, int shorter, ModelResize resize, int crop)
    {
        if (resize.Squash) return new AxisGeometry(crop, crop, 0, crop);
        var filtered = Rescale(length, resize.FilteredSide, shorter);
        var final = Rescale(filtered, resize.ShorterSide, resize.FilteredSide);
        return new AxisGeometry(filtered, final, (final - crop) / 2, crop);
    }

    /// <summary>The pixel of the filtered picture under the centre of the crop's pixel <paramref name="index"/>:
    /// floor((p + 1/2) · filtered / final).</summary>
    public long FilteredPixel(int index) => (2 * (Offset + index) + 1) * Filtered / (2 * Final);

    /// <summary>length · to / from, rounded half up. A length of 1 stays 1.</summary>
    private static long Rescale(long length, long to, long from) => (2 * length * to + from) / (2 * from);
}
