using System.Runtime.InteropServices;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>A classifier whose decoder has faults. The last bytes of a picture select a fault and change nothing
/// else.</summary>
internal sealed class FragileClassifier(IImageClassifier classifier) : IImageClassifier
{
    /// <summary>The end of a picture that crashes the process, like a fault in native code.</summary>
    public static ReadOnlySpan<byte> Crash => "a fault of the decoder: crash"u8;

    /// <summary>The end of a picture on which the decoder fails, although the picture is right.</summary>
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

    // In native code, so that the system ends the process without an exception.
    [DllImport("libc", EntryPoint = "memset")]
    private static extern nint Write(nint address, int value, nuint count);
}
