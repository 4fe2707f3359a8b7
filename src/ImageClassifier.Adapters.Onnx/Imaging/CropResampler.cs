using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>
/// Resamples the rows of a picture to the pixels of the crop as the rows arrive. Each row is first reduced to the
/// columns of the crop, and then added with its weight to the crop's rows that it contributes to. So at most one row of
/// the picture must be in memory.
/// </summary>
internal sealed class CropResampler : IDisposable
{
    /// <summary>Floats for each pixel: red, green, blue and alpha, so that one vector holds a pixel.</summary>
    public const int Channels = 4;

    private const int Alpha = 3;

    private readonly FilterWindows _columns;
    private readonly FilterWindows _rows;
    private readonly float[] _crop;
    private readonly float[] _row;
    private int _firstOpen;

    /// <summary>Starts a picture.</summary>
    /// <param name="columns">The source columns of each crop column. The caller disposes of it.</param>
    /// <param name="rows">The source rows of each crop row. The caller disposes of it.</param>
    public CropResampler(FilterWindows columns, FilterWindows rows)
    {
        _columns = columns;
        _rows = rows;
        _row = ArrayPool<float>.Shared.Rent(RowLength);
        _crop = ArrayPool<float>.Shared.Rent(RowLength * rows.Count);
        _crop.AsSpan(0, RowLength * rows.Count).Clear();
    }

    /// <summary>The crop, row by row, in the orientation of the source. Complete after all rows were added.</summary>
    public ReadOnlySpan<float> Crop => _crop.AsSpan(0, RowLength * _rows.Count);

    private int RowLength => _columns.Count * Channels;

    /// <summary>Adds a row. Rows come in ascending order. A row outside the crop costs nothing.</summary>
    /// <param name="y">The index of the row in the source.</param>
    /// <param name="pixels">The whole row, with four bytes for each pixel.</param>
    public void Add(int y, ReadOnlySpan<byte> pixels)
    {
        while (_firstOpen < _rows.Count && _rows.End(_firstOpen) <= y) _firstOpen++;
        if (_firstOpen == _rows.Count || _rows.First(_firstOpen) > y) return;

        ReduceToColumns(MemoryMarshal.Cast<byte, uint>(pixels));
        for (var i = _firstOpen; i < _rows.Count && _rows.First(i) <= y; i++)
        {
            if (y < _rows.End(i)) AddWeighted(_rows.Weights(i)[y - _rows.First(i)], i);
        }
    }

    /// <summary>Puts the crop on white and cuts off what is below 0 or above 255. A cubic filter has negative weights,
    /// so it overshoots at edges.</summary>
    public void CutOffOvershoot()
    {
        var pixels = MemoryMarshal.Cast<float, Vector128<float>>(_crop.AsSpan(0, RowLength * _rows.Count));
        var white = Vector128.Create((float)byte.MaxValue);
        for (var i = 0; i < pixels.Length; i++)
        {
            var onWhite = pixels[i] + white - Vector128.Create(pixels[i][Alpha]);
            pixels[i] = Vector128.Clamp(onWhite, Vector128<float>.Zero, white);
        }
    }

    public void Dispose()
    {
        ArrayPool<float>.Shared.Return(_row);
        ArrayPool<float>.Shared.Return(_crop);
    }

    private void ReduceToColumns(ReadOnlySpan<uint> pixels)
    {
        var reduced = MemoryMarshal.Cast<float, Vector128<float>>(_row.AsSpan(0, RowLength));
        for (var x = 0; x < reduced.Length; x++)
        {
            var weights = _columns.Weights(x);
            var source = pixels.Slice(_columns.First(x), weights.Length);
            var sum = Vector128<float>.Zero;
            for (var k = 0; k < source.Length; k++)
            {
                var bytes = Vector128.CreateScalarUnsafe(source[k]).AsByte();
                var channels = Vector128.WidenLower(Vector128.WidenLower(bytes)).AsInt32();
                sum += Vector128.ConvertToSingle(channels) * weights[k];
            }

            reduced[x] = sum;
        }
    }

    private void AddWeighted(float weight, int cropRow)
    {
        var row = _row.AsSpan(0, RowLength);
        var target = _crop.AsSpan(cropRow * RowLength, RowLength);
        var rowVectors = MemoryMarshal.Cast<float, Vector<float>>(row);
        var targetVectors = MemoryMarshal.Cast<float, Vector<float>>(target);
        for (var i = 0; i < targetVectors.Length; i++) targetVectors[i] += rowVectors[i] * weight;
        for (var i = targetVectors.Length * Vector<float>.Count; i < target.Length; i++) target[i] += row[i] * weight;
    }
}
