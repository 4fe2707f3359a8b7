using Microsoft.Extensions.ObjectPool;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>A pool of tensors, which are expensive to create. It grows to the most that were in use at once. Thread-safe.
/// A tensor that is returned after the pool's disposal is disposed of.</summary>
internal sealed class TensorPool(Func<PinnedTensor> create) : IDisposable
{
    // The number of pictures in hand limits the pool.
    private readonly ObjectPool<PinnedTensor> _pool =
        new DefaultObjectPoolProvider { MaximumRetained = int.MaxValue }.Create(new Policy(create));

    /// <exception cref="ObjectDisposedException">The pool is disposed of.</exception>
    public PinnedTensor Rent() => _pool.Get();

    public void Return(PinnedTensor tensor) => _pool.Return(tensor);

    // The provider's pool of a disposable type is disposable.
    public void Dispose() => ((IDisposable)_pool).Dispose();

    private sealed class Policy(Func<PinnedTensor> create) : PooledObjectPolicy<PinnedTensor>
    {
        public override PinnedTensor Create() => create();

        public override bool Return(PinnedTensor obj) => true;
    }
}
