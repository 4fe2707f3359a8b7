using System.Runtime.InteropServices;

namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>Which coefficients of a component's blocks are not zero so far: one bit each, outside of the managed heap.
/// </summary>
internal sealed unsafe class NonZeroCoefficients : IDisposable
{
    private readonly ulong* _blocks;
    private readonly int _count;

    public NonZeroCoefficients(int blocks)
    {
        _count = blocks;
        _blocks = (ulong*)NativeMemory.AllocZeroed((nuint)blocks, sizeof(ulong));
    }

    /// <summary>The blocks, in the order of the component's own scans.</summary>
    public Span<ulong> Blocks => new(_blocks, _count);

    public void Dispose() => NativeMemory.Free(_blocks);
}
