namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>One component in a scan.</summary>
/// <param name="Index">The index of the component in the frame.</param>
/// <param name="DcTable">The Huffman table of the first coefficients.</param>
/// <param name="AcTable">The Huffman table of the other coefficients.</param>
internal readonly record struct JpegScanComponent(int Index, int DcTable, int AcTable);

/// <summary>The header of a scan (ITU-T T.81, B.2.3 and G.1.1.1).</summary>
/// <param name="Components">The components of the scan.</param>
/// <param name="First">The first coefficient of the band.</param>
/// <param name="Last">The last coefficient of the band.</param>
/// <param name="IsRefinement">True if the scan adds one bit to coefficients of an earlier scan.</param>
/// <param name="LowBit">The lowest bit of the coefficients in the scan.</param>
internal sealed record JpegScan(JpegScanComponent[] Components, int First, int Last, bool IsRefinement, int LowBit)
{
    public const int LastCoefficient = 63;
    private const int MostTables = 4;
    private const int MostBlocksOfUnit = 10;
    private const int HighestLowBit = 13;

    /// <summary>Reads the header of a scan; null if it is not allowed.</summary>
    public static JpegScan? Read(JpegFrame frame, ReadOnlySpan<byte> content)
    {
        if (content.Length == 0 || content[0] is < 1 or > 4 || content.Length != 2 * content[0] + 4) return null;
        var components = new JpegScanComponent[content[0]];
        for (var i = 0; i < components.Length; i++)
        {
            var (id, tables) = (content[1 + 2 * i], content[2 + 2 * i]);
            var index = Find(frame, id, components.AsSpan(0, i));
            if (index < 0 || tables >> 4 >= MostTables || (tables & 15) >= MostTables) return null;
            components[i] = new JpegScanComponent(index, tables >> 4, tables & 15);
        }

        if (components.Length > 1 && components.Sum(c => frame.Components[c.Index].Blocks) > MostBlocksOfUnit)
        {
            return null;
        }

        // A sequential scan always has all coefficients, whatever its header says.
        if (!frame.IsProgressive) return new JpegScan(components, 0, LastCoefficient, false, 0);
        var (first, last, high, low) = (content[^3], content[^2], content[^1] >> 4, content[^1] & 15);
        var isBandAllowed = first == 0 ? last == 0 : components.Length == 1 && first <= last && last <= LastCoefficient;
        return isBandAllowed && low <= HighestLowBit && (high == 0 || high == low + 1)
            ? new JpegScan(components, first, last, high > 0, low)
            : null;
    }

    // Some odd files give several components one id. libjpeg takes them in order.
    private static int Find(JpegFrame frame, byte id, ReadOnlySpan<JpegScanComponent> taken)
    {
        for (var i = 0; i < frame.Components.Length; i++)
        {
            if (frame.Components[i].Id != id) continue;
            var isTaken = false;
            foreach (var other in taken) isTaken |= other.Index == i;
            if (!isTaken) return i;
        }

        return -1;
    }
}
