using System.Runtime.InteropServices;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>A classifier whose decoder has faults. A picture says by its last bytes which one it hits; they change
/// nothing else about it.</summary>
internal sealed class FragileClassifier(IImageClassifier classifier) : IImageClassifier
{
    /// <summary>Ends a picture that crashes the process, as a fault in native code does.</summary>
    public static ReadOnlySpan<byte> Crash => "a fault of the decoder: crash"u8;

    /// <summary>Ends a picture on which the decoder fails although nothing is wrong with it.</summary>
    public static ReadOnlySpan<byte> Fail => "a fault of the decoder: fail"u8;

    private const nint NoMemoryOfOurs = 1;

    public ModelIdentity Model => classifier.Model;

    public int PreferredBatchSize => classifier.PreferredBatchSize;

    public Decoding Decode(ReadOnlyMemory<byte> picture)
    {
        if (picture.Span.EndsWith(Crash)) Write(NoMemoryOfOurs, 0, 1);
        if (picture.Span.EndsWith(Fail)) throw new InvalidOperationException("The decoder fails on this picture.");
        return classifier.Decode(picture);
    }

    public IReadOnlyList<IReadOnlyList<Prediction>> Classify(IReadOnlyList<DecodedPicture> pictures) =>
        classifier.Classify(pictures);

    public void Dispose() => classifier.Dispose();

    // In native code, so that the system ends the process and no exception comes of it.
    [DllImport("libc", EntryPoint = "memset")]
    private static extern nint Write(nint address, int value, nuint count);
}
