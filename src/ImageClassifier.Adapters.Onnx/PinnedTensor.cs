using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Pinned memory for equal rows of floats (pictures or their scores). ONNX Runtime reads and writes it in
/// place, for any number of rows. If a network takes other numbers, a second memory holds them: <see cref="Encode"/>
/// and <see cref="Decode"/> convert between the two. Not thread-safe.</summary>
internal sealed class PinnedTensor : IDisposable
{
    private readonly float[] _values;
    private readonly Float16[]? _halves;
    private readonly byte[]? _bytes;
    private readonly OrtValue?[] _views;
    private readonly int _rowLength;
    private readonly Func<int, long[]> _shape;

    /// <summary>Allocates the memory.</summary>
    /// <param name="rows">The most rows.</param>
    /// <param name="rowLength">The number of floats in a row.</param>
    /// <param name="shape">The shape of the tensor for a number of rows.</param>
    /// <param name="element">The numbers of the network: 32-bit or 16-bit floats, or bytes.</param>
    public PinnedTensor(
        int rows, int rowLength, Func<int, long[]> shape, TensorElementType element = TensorElementType.Float)
    {
        var length = checked(rows * rowLength);
        _values = Allocate<float>(length);
        _halves = element == TensorElementType.Float16 ? Allocate<Float16>(length) : null;
        _bytes = element == TensorElementType.UInt8 ? Allocate<byte>(length) : null;
        _views = new OrtValue?[rows];
        _rowLength = rowLength;
        _shape = shape;
    }

    /// <summary>One row.</summary>
    public Span<float> Row(int index) => _values.AsSpan(index * _rowLength, _rowLength);

    /// <summary>The first rows as a value of ONNX Runtime. This object disposes of it.</summary>
    public OrtValue View(int rows) => _views[rows - 1] ??= CreateView(rows);

    /// <summary>Converts the first rows to the numbers of the network, before it runs.</summary>
    public void Encode(int rows)
    {
        var values = _values.AsSpan(0, rows * _rowLength);
        if (_halves is not null)
            TensorPrimitives.ConvertToHalf(values, MemoryMarshal.Cast<Float16, Half>(_halves.AsSpan()));
        if (_bytes is null) return;
        for (var i = 0; i < values.Length; i++) _bytes[i] = (byte)Math.Clamp(values[i] + 0.5f, 0, byte.MaxValue);
    }

    /// <summary>Converts the first rows from the 16-bit floats of the network, after it ran.</summary>
    public void Decode(int rows)
    {
        if (_halves is null) return;
        var length = rows * _rowLength;
        TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<Float16, Half>(_halves.AsSpan(0, length)), _values);
    }

    public void Dispose()
    {
        foreach (var view in _views) view?.Dispose();
    }

    private static T[] Allocate<T>(int length) => GC.AllocateUninitializedArray<T>(length, pinned: true);

    private OrtValue CreateView(int rows)
    {
        if (_halves is not null) return CreateView(_halves, rows);
        return _bytes is not null ? CreateView(_bytes, rows) : CreateView(_values, rows);
    }

    private OrtValue CreateView<T>(T[] numbers, int rows)
        where T : unmanaged =>
        OrtValue.CreateTensorValueFromMemory(
            OrtMemoryInfo.DefaultInstance, numbers.AsMemory(0, rows * _rowLength), _shape(rows));
}
