using System.Buffers.Binary;

namespace ImageClassifier.Testing;

/// <summary>Progressive JPEGs of one colour: small to store and slow to decode. A decoder keeps all their coefficients,
/// and processes all of them again with each scan (ITU-T T.81, annex G).</summary>
public static class ProgressiveJpeg
{
    private const int BlockSide = 8;

    // The longest run of blocks without coefficients.
    private const int LongestRun = 0x7FFF;

    // 2^14 blocks or more. The rest of the number has 14 bits.
    private const byte LongRunSymbol = 0xE0;

    /// <summary>Creates a picture.</summary>
    /// <param name="width">The width in pixels.</param>
    /// <param name="height">The height in pixels.</param>
    /// <param name="components">1 for grey, 3 for colour.</param>
    /// <param name="scans">The number of scans. Only the first one has data of the picture.</param>
    public static byte[] Create(int width, int height, int components = 3, int scans = 1)
    {
        long blocks = (long)Blocks(width) * Blocks(height);
        using var file = new MemoryStream();
        file.Write([0xFF, 0xD8]);
        WriteSegment(file, 0xDB, [0, .. Enumerable.Repeat((byte)1, BlockSide * BlockSide)]);
        WriteFrame(file, width, height, components);
        WriteOneCodeTable(file, isForRuns: false, symbol: 0);
        WriteOneCodeTable(file, isForRuns: true, LongRunSymbol);

        WriteScan(file, [.. Enumerable.Range(1, components).Select(i => (byte)i)], first: 0, last: 0);
        // The only code is a zero bit. It stands for a block that equals the one before.
        file.Write(new byte[(blocks * components + 7) / 8]);
        var runs = Runs(blocks);
        for (var i = 1; i < scans; i++)
        {
            WriteScan(file, [1], first: 1, last: 63);
            file.Write(runs);
        }

        file.Write([0xFF, 0xD9]);
        return file.ToArray();
    }

    private static int Blocks(int pixels) => (pixels + BlockSide - 1) / BlockSide;

    private static void WriteFrame(MemoryStream file, int width, int height, int components)
    {
        var frame = new List<byte> { 8, 0, 0, 0, 0, (byte)components };
        for (var i = 1; i <= components; i++) frame.AddRange([(byte)i, 0x11, 0]);
        var content = frame.ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(content.AsSpan(1), checked((ushort)height));
        BinaryPrimitives.WriteUInt16BigEndian(content.AsSpan(3), checked((ushort)width));
        WriteSegment(file, 0xC2, content);
    }

    private static void WriteOneCodeTable(MemoryStream file, bool isForRuns, byte symbol) =>
        WriteSegment(file, 0xC4, [isForRuns ? (byte)0x10 : (byte)0, 1, .. new byte[15], symbol]);

    private static void WriteScan(MemoryStream file, byte[] components, byte first, byte last) => WriteSegment(
        file, 0xDA, [(byte)components.Length, .. components.SelectMany(id => new byte[] { id, 0 }), first, last, 0]);

    /// <summary>The bits of a scan in which every block is empty.</summary>
    private static byte[] Runs(long blocks)
    {
        var bits = new List<bool>();
        for (var left = blocks; left > 0; left -= LongestRun)
        {
            bits.Add(false);
            bits.AddRange(Enumerable.Repeat(true, 14));
        }

        while (bits.Count % 8 != 0) bits.Add(true);
        var bytes = new List<byte>();
        foreach (var eight in bits.Chunk(8))
        {
            bytes.Add((byte)eight.Aggregate(0, (value, bit) => value << 1 | (bit ? 1 : 0)));
            // So that it does not look like a marker.
            if (bytes[^1] == 0xFF) bytes.Add(0);
        }

        return [.. bytes];
    }

    private static void WriteSegment(MemoryStream file, byte marker, byte[] content)
    {
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, checked((ushort)(content.Length + 2)));
        file.Write([0xFF, marker, .. length, .. content]);
    }
}
