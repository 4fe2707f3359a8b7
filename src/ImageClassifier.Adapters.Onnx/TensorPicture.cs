using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>A picture as a tensor of one row, lent by its classifier's pool.</summary>
internal sealed class TensorPicture(Pool<PinnedTensor> pool, PinnedTensor tensor) : DecodedPicture
{
    private PinnedTensor? _tensor = tensor;

    /// <summary>The memory.</summary>
    /// <exception cref="ObjectDisposedException">It went back already.</exception>
    public PinnedTensor Tensor => _tensor ?? throw new ObjectDisposedException(nameof(TensorPicture));

    /// <summary>Whether the memory is of this pool, and so of its classifier.</summary>
    public bool IsFrom(Pool<PinnedTensor> other) => ReferenceEquals(pool, other);

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _tensor, null) is { } tensor) pool.Return(tensor);
    }
}
