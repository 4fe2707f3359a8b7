namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>A Huffman code of a JPEG (ITU-T T.81, annex C).</summary>
internal sealed class HuffmanTable
{
    /// <summary>The result of <see cref="Find"/> for bits that are not a code.</summary>
    public const int NoCode = 0;

    private const int LongestCode = 16;
    private const int MostSymbols = 256;

    // Most codes are at most this long. They are found in one step.
    private const int ShortCode = 9;

    private readonly byte[] _symbols;
    private readonly ushort[] _short = new ushort[1 << ShortCode];
    private readonly int[] _ends = new int[LongestCode + 1];
    private readonly int[] _offsets = new int[LongestCode + 1];

    private HuffmanTable(byte[] symbols) => _symbols = symbols;

    /// <summary>Reads the tables of a segment. The first four places are for tables of first coefficients.</summary>
    /// <returns>False if the tables are not allowed.</returns>
    public static bool ReadAll(ReadOnlySpan<byte> content, Span<HuffmanTable?> tables)
    {
        while (!content.IsEmpty)
        {
            if (content.Length < 1 + LongestCode || content[0] >> 4 > 1 || (content[0] & 15) > 3) return false;
            var counts = content.Slice(1, LongestCode);
            var symbols = 0;
            foreach (var count in counts) symbols += count;
            if (symbols > MostSymbols || content.Length < 1 + LongestCode + symbols) return false;
            if (Create(counts, content.Slice(1 + LongestCode, symbols)) is not { } table) return false;
            tables[(content[0] >> 4) * 4 + (content[0] & 15)] = table;
            content = content[(1 + LongestCode + symbols)..];
        }

        return true;
    }

    /// <summary>The symbol of the code at the start of 16 bits. The second byte is the length of the code.</summary>
    public int Find(int bits)
    {
        var found = _short[bits >> (LongestCode - ShortCode)];
        if (found != NoCode) return found;
        for (var length = ShortCode + 1; length <= LongestCode; length++)
        {
            var code = bits >> (LongestCode - length);
            if (code < _ends[length]) return length << 8 | _symbols[_offsets[length] + code];
        }

        return NoCode;
    }

    private static HuffmanTable? Create(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        var table = new HuffmanTable(symbols.ToArray());
        for (int length = 1, code = 0, used = 0; length <= LongestCode; length++, code <<= 1)
        {
            var count = counts[length - 1];
            table._offsets[length] = used - code;
            if (length <= ShortCode)
            {
                var repeats = 1 << (ShortCode - length);
                if ((code + count) * repeats > table._short.Length) return null;
                for (var i = 0; i < count; i++)
                {
                    table._short.AsSpan((code + i) * repeats, repeats).Fill((ushort)(length << 8 | symbols[used + i]));
                }
            }

            code += count;
            used += count;
            if (code > 1 << length) return null;
            table._ends[length] = count > 0 ? code : 0;
        }

        return table;
    }
}
