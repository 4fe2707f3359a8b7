using System.Buffers.Binary;
using System.Globalization;

namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>One component of a frame.</summary>
/// <param name="Id">The id that scans use.</param>
/// <param name="Across">The horizontal sampling factor.</param>
/// <param name="Down">The vertical sampling factor.</param>
internal readonly record struct JpegComponent(byte Id, int Across, int Down)
{
    /// <summary>The blocks of the component in a unit of an interleaved scan.</summary>
    public int Blocks => Across * Down;
}

/// <summary>A JPEG's frame header (ITU-T T.81, B.2.2).</summary>
/// <param name="Width">The width in pixels.</param>
/// <param name="Height">The height in pixels.</param>
/// <param name="IsProgressive">True if later scans refine earlier ones.</param>
/// <param name="IsArithmetic">True if the data is arithmetic-coded instead of Huffman-coded.</param>
/// <param name="Components">The components, in the order of the header.</param>
internal sealed record JpegFrame(
    int Width, int Height, bool IsProgressive, bool IsArithmetic, JpegComponent[] Components)
{
    private const int BytesBeforeComponents = 6;
    private const int BytesPerComponent = 3;
    private const int AcceptedBits = 8;
    private const int LargestFactor = 4;
    private const int QuantizationTables = 4;

    /// <summary>The largest horizontal sampling factor.</summary>
    public int MostAcross { get; } = Components.Max(component => component.Across);

    /// <summary>The largest vertical sampling factor.</summary>
    public int MostDown { get; } = Components.Max(component => component.Down);

    /// <summary>Reads a frame header of a supported kind.</summary>
    /// <param name="marker">The marker of the segment.</param>
    /// <param name="content">The content of the segment.</param>
    /// <param name="refusal">Why there is no frame; otherwise null.</param>
    public static JpegFrame? Read(byte marker, ReadOnlySpan<byte> content, out string? refusal)
    {
        refusal = Check(content);
        if (refusal is not null) return null;
        var components = new JpegComponent[content[5]];
        for (var i = 0; i < components.Length; i++)
        {
            var component = content.Slice(BytesBeforeComponents + i * BytesPerComponent, BytesPerComponent);
            components[i] = new JpegComponent(component[0], component[1] >> 4, component[1] & 15);
            if (components[i].Across is < 1 or > LargestFactor || components[i].Down is < 1 or > LargestFactor
                || component[2] >= QuantizationTables)
            {
                refusal = JpegHeader.Damaged;
                return null;
            }
        }

        return new JpegFrame(
            BinaryPrimitives.ReadUInt16BigEndian(content[3..]),
            BinaryPrimitives.ReadUInt16BigEndian(content[1..]),
            marker is JpegMarker.ProgressiveFrame or JpegMarker.ArithmeticProgressiveFrame,
            marker is JpegMarker.ArithmeticFrame or JpegMarker.ArithmeticProgressiveFrame,
            components);
    }

    private static string? Check(ReadOnlySpan<byte> content)
    {
        if (content.Length < BytesBeforeComponents) return JpegHeader.Damaged;
        var (bits, components) = (content[0], content[5]);
        if (bits != AcceptedBits)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"The file is a JPEG of {bits} bits a sample. Export it as a JPEG of 8 bits a sample.");
        }

        if (components is not (1 or 3 or 4))
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"The file is a JPEG with {components} components, not with 1, 3 or 4. Export it as an RGB JPEG.");
        }

        if (content.Length != BytesBeforeComponents + components * BytesPerComponent) return JpegHeader.Damaged;
        if (BinaryPrimitives.ReadUInt16BigEndian(content[3..]) == 0) return "The picture has no pixels.";
        return BinaryPrimitives.ReadUInt16BigEndian(content[1..]) == 0
            ? "The JPEG has no height in its header. Export it again."
            : null;
    }
}
