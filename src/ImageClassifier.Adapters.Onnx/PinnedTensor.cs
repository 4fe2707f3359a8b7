using Microsoft.ML.OnnxRuntime;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Memory for a number of equal rows of floats (pictures, or their scores) that never moves, so that ONNX
/// Runtime reads and writes it where it is, any number of rows at a time. Not for two threads at once.</summary>
internal sealed class PinnedTensor : IDisposable
{
    private readonly float[] _values;
    private readonly OrtValue?[] _views;
    private readonly int _rowLength;
    private readonly Func<int, long[]> _shape;

    /// <summary>Allocates the memory.</summary>
    /// <param name="rows">How many rows there is room for.</param>
    /// <param name="rowLength">Floats a row.</param>
    /// <param name="shape">The tensor's shape for a number of rows.</param>
    public PinnedTensor(int rows, int rowLength, Func<int, long[]> shape)
    {
        _values = GC.AllocateUninitializedArray<float>(checked(rows * rowLength), pinned: true);
        _views = new OrtValue?[rows];
        _rowLength = rowLength;
        _shape = shape;
    }

    /// <summary>One row.</summary>
    public Span<float> Row(int index) => _values.AsSpan(index * _rowLength, _rowLength);

    /// <summary>The first so many rows as ONNX Runtime takes them; stays this object's.</summary>
    public OrtValue View(int rows) => _views[rows - 1] ??= OrtValue.CreateTensorValueFromMemory(
        OrtMemoryInfo.DefaultInstance, _values.AsMemory(0, rows * _rowLength), _shape(rows));

    public void Dispose()
    {
        foreach (var view in _views) view?.Dispose();
    }
}
