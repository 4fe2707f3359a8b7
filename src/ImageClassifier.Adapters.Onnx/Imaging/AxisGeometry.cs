namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>Where the pixels of the crop lie along one axis of the upright picture.</summary>
/// <param name="Filtered">The axis's length after the antialiasing filter.</param>
/// <param name="Final">Its length after nearest neighbour; the same where there is no such step.</param>
/// <param name="Offset">Where the crop begins in the final picture.</param>
/// <param name="Crop">The crop's length.</param>
internal readonly record struct AxisGeometry(long Filtered, long Final, long Offset, int Crop)
{
    /// <summary>Plans one axis.</summary>
    /// <param name="length">The upright picture's length along the axis.</param>
    /// <param name="shorter">The length of its shorter side.</param>
    /// <param name="resize">The model's resizing.</param>
    /// <param name="crop">The model's length along the axis.</param>
    public static AxisGeometry Plan(int length, int shorter, ModelResize resize, int crop)
    {
        var filtered = Rescale(length, resize.FilteredSide, shorter);
        var final = Rescale(filtered, resize.ShorterSide, resize.FilteredSide);
        return new AxisGeometry(filtered, final, (final - crop) / 2, crop);
    }

    /// <summary>The pixel of the filtered picture that pixel <paramref name="index"/> of the crop shows: the one under
    /// its centre, floor((p + 1/2) · filtered / final).</summary>
    public long FilteredPixel(int index) => (2 * (Offset + index) + 1) * Filtered / (2 * Final);

    /// <summary>length · to / from, rounded half up; a picture that is a line stays one.</summary>
    private static long Rescale(long length, long to, long from) => (2 * length * to + from) / (2 * from);
}
