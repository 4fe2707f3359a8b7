using Microsoft.ML.OnnxRuntime;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Pinned memory for equal rows of floats (pictures or their scores). ONNX Runtime reads and writes it in
/// place, for any number of rows. Not thread-safe.</summary>
internal sealed class PinnedTensor : IDisposable
{
    private readonly float[] _values;
    private readonly OrtValue?[] _views;
    private readonly int _rowLength;
    private readonly Func<int, long[]> _shape;

    /// <summary>Allocates the memory.</summary>
    /// <param name="rows">The most rows.</param>
    /// <param name="rowLength">The number of floats in a row.</param>
    /// <param name="shape">The shape of the tensor for a number of rows.</param>
    public PinnedTensor(int rows, int rowLength, Func<int, long[]> shape)
    {
        _values = GC.AllocateUninitializedArray<float>(checked(rows * rowLength), pinned: true);
        _views = new OrtValue?[rows];
        _rowLength = rowLength;
        _shape = shape;
    }

    /// <summary>One row.</summary>
    public Span<float> Row(int index) => _values.AsSpan(index * _rowLength, _rowLength);

    /// <summary>The first rows as a value of ONNX Runtime. This object disposes of it.</summary>
    public OrtValue View(int rows) => _views[rows - 1] ??= OrtValue.CreateTensorValueFromMemory(
        OrtMemoryInfo.DefaultInstance, _values.AsMemory(0, rows * _rowLength), _shape(rows));

    public void Dispose()
    {
        foreach (var view in _views) view?.Dispose();
    }
}
