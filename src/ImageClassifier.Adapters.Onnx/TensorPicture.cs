using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>A picture as a tensor of one row, rented from its classifier's pool.</summary>
internal sealed class TensorPicture(TensorPool pool, PinnedTensor tensor) : DecodedPicture
{
    private PinnedTensor? _tensor = tensor;

    /// <summary>The tensor.</summary>
    /// <exception cref="ObjectDisposedException">The tensor was returned to the pool.</exception>
    public PinnedTensor Tensor => _tensor ?? throw new ObjectDisposedException(nameof(TensorPicture));

    /// <summary>True if the tensor is of this pool, and so of its classifier.</summary>
    public bool IsFrom(TensorPool other) => ReferenceEquals(pool, other);

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _tensor, null) is { } tensor) pool.Return(tensor);
    }
}
