using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>
/// Resamples the rows of a picture, as they come, to the pixels of the crop, and to no others. Each row that matters is
/// first reduced to the crop's columns, then added with its weight to those rows of the crop that it is part of. So no
/// more of the picture than one row need be in memory.
/// </summary>
internal sealed class CropResampler : IDisposable
{
    /// <summary>Floats a pixel: red, green, blue and alpha, so that one vector takes a whole pixel.</summary>
    public const int Channels = 4;

    private readonly TriangleWindows _columns;
    private readonly TriangleWindows _rows;
    private readonly float[] _crop;
    private readonly float[] _row;
    private int _firstOpen;

    /// <summary>Begins a picture.</summary>
    /// <param name="columns">What each column of the crop is made of; stays the caller's.</param>
    /// <param name="rows">What each row of the crop is made of; stays the caller's.</param>
    public CropResampler(TriangleWindows columns, TriangleWindows rows)
    {
        _columns = columns;
        _rows = rows;
        _row = ArrayPool<float>.Shared.Rent(RowLength);
        _crop = ArrayPool<float>.Shared.Rent(RowLength * rows.Count);
        _crop.AsSpan(0, RowLength * rows.Count).Clear();
    }

    /// <summary>The crop, row by row, in the orientation of the source; complete when all rows were added.</summary>
    public ReadOnlySpan<float> Crop => _crop.AsSpan(0, RowLength * _rows.Count);

    private int RowLength => _columns.Count * Channels;

    /// <summary>Adds a row; rows come in ascending order. A row that the crop has no part in costs nothing.</summary>
    /// <param name="y">Which row of the source it is.</param>
    /// <param name="pixels">The whole row, four bytes a pixel.</param>
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
