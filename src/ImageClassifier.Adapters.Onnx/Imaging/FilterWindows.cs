using System.Buffers;
using ImageClassifier.Adapters.Onnx.Contract;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>
/// For each pixel of the crop along one axis, the source pixels of which it is the weighted mean. The weights form a
/// triangle or a cubic around the centre of the pixel. It reaches one or two pixels of the filtered picture to each
/// side, or of the source if that is coarser: antialiased when reducing, interpolated when enlarging. At the edge of the
/// picture the filter is cut off, and the rest is scaled to weigh 1. Windows are in the order of the source.
/// </summary>
internal sealed class FilterWindows : IDisposable
{
    // Pillow's value, src/libImaging/Resample.c (bicubic_filter). The formula is Keys, "Cubic convolution interpolation
    // for digital image processing", 1981.
    private const double Cubic = -0.5;
    private const int CubicReach = 2;

    private readonly Window[] _windows;
    private readonly float[] _weights;

    private FilterWindows(int count, int capacity)
    {
        Count = count;
        _windows = ArrayPool<Window>.Shared.Rent(count);
        _weights = ArrayPool<float>.Shared.Rent(capacity);
    }

    /// <summary>The number of windows.</summary>
    public int Count { get; }

    /// <summary>Computes the windows of one axis.</summary>
    /// <param name="axis">The position of the crop's pixels.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="source">The length of the source along this axis.</param>
    /// <param name="mirrored">True if the source is mirrored against the upright picture. The windows are then in the
    /// order of the source, so window i belongs to the crop's i-th pixel from the end.</param>
    public static FilterWindows Create(AxisGeometry axis, ResizeFilter filter, int source, bool mirrored)
    {
        var scale = (double)source / axis.Filtered;
        var unit = Math.Max(scale, 1);
        var reach = filter == ResizeFilter.Bicubic ? CubicReach * unit : unit;
        var longest = (int)Math.Min(Math.Ceiling(2 * reach) + 2, source);
        var windows = new FilterWindows(axis.Crop, axis.Crop * longest);
        for (int i = 0, used = 0; i < axis.Crop; i++)
        {
            var center = (axis.FilteredPixel(mirrored ? axis.Crop - 1 - i : i) + 0.5) * scale;
            if (mirrored) center = source - center;
            used += windows.Fill(i, used, center, filter, unit, reach, source);
        }

        return windows;
    }

    /// <summary>The first source pixel of a window.</summary>
    public int First(int index) => _windows[index].First;

    /// <summary>The source pixel after the last of a window.</summary>
    public int End(int index) => _windows[index].First + _windows[index].Length;

    /// <summary>The weights of a window's source pixels, which add up to 1.</summary>
    public ReadOnlySpan<float> Weights(int index) => _weights.AsSpan(_windows[index].Offset, _windows[index].Length);

    public void Dispose()
    {
        ArrayPool<Window>.Shared.Return(_windows);
        ArrayPool<float>.Shared.Return(_weights);
    }

    private int Fill(
        int index, int offset, double center, ResizeFilter filter, double unit, double reach, int source)
    {
        var first = Math.Clamp((int)(center - reach + 0.5), 0, source - 1);
        var end = Math.Clamp((int)(center + reach + 0.5), first + 1, source);
        _windows[index] = new Window(first, end - first, offset);

        var weights = _weights.AsSpan(offset, end - first);
        var sum = 0.0;
        for (var k = 0; k < weights.Length; k++)
        {
            var distance = Math.Abs(first + k + 0.5 - center) / unit;
            var weight = filter == ResizeFilter.Bicubic ? CubicWeight(distance) : Math.Max(0, 1 - distance);
            weights[k] = (float)weight;
            sum += weight;
        }

        for (var k = 0; k < weights.Length; k++) weights[k] = (float)(weights[k] / sum);
        return weights.Length;
    }

    private static double CubicWeight(double x) => x switch
    {
        < 1 => ((Cubic + 2) * x - (Cubic + 3)) * x * x + 1,
        < CubicReach => (((x - 5) * x + 8) * x - 4) * Cubic,
        _ => 0,
    };

    private readonly record struct Window(int First, int Length, int Offset);
}
