using System.Runtime.InteropServices;

namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>One bit for each coefficient of a component's blocks: set if it is not zero so far. Outside the managed
/// heap.</summary>
internal sealed unsafe class NonZeroCoefficients : IDisposable
{
    private readonly ulong* _blocks;
    private readonly int _count;

    public NonZeroCoefficients(int blocks)
    {
        _count = blocks;
        _blocks = (ulong*)NativeMemory.AllocZeroed((nuint)blocks, sizeof(ulong));
    }

    /// <summary>The blocks, in the order of a scan with only this component.</summary>
    public Span<ulong> Blocks => new(_blocks, _count);

    public void Dispose() => NativeMemory.Free(_blocks);
}
