using System.Buffers.Binary;
using ImageClassifier.Tests.Onnx;

namespace ImageClassifier.Tests.Fuzz;

/// <summary>Mutates the structure and the sizes in a valid file. Checksums are corrected, so that the decoder reaches
/// the mutation.</summary>
internal static class HeaderMutations
{
    private const int MostData = 400_000;

    // All markers of frames, and some close to them.
    private static readonly byte[] Frames =
    [
        0xC0, 0xC1, 0xC2, 0xC3, 0xC3, 0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xCB, 0xCB, 0xCD, 0xCE, 0xCF,
        0xDE, 0xDF, 0xF7,
    ];

    // Huffman-coded, and arithmetic-coded.
    private static readonly byte[] LosslessFrames = [0xC3, 0xC3, 0xC3, 0xCB];

    private static readonly byte[] Precisions = [0, 1, 2, 7, 8, 9, 12, 16, 255];
    private static readonly byte[] Components = [0, 1, 2, 3, 4, 5, 255];
    private static readonly byte[] Factors = [0x00, 0x11, 0x12, 0x21, 0x22, 0x14, 0x41, 0x44, 0x33, 0x13, 0x15, 0x5F];

    // From 293 pixels on, the decoder scales a picture down for a model of 224 pixels.
    private static readonly int[] Sides =
        [0, 1, 7, 8, 9, 16, 17, 64, 131, 292, 293, 300, 511, 1000, 2000, 32767, 65500];

    /// <summary>Mutates one file.</summary>
    public static byte[] Change(byte[] file, Random random) => file switch
    {
        [0xFF, 0xD8, ..] => random.Next(8) == 0 ? Lossless(random) : ChangeFrame(file, random),
        [0x89, 0x50, ..] => ChangePng(file, random),
        _ => file,
    };

    private static byte[] ChangeFrame(byte[] file, Random random)
    {
        var frames = SamplePicture.Markers(file, Frames);
        if (frames.Count == 0) return file;
        var at = frames[random.Next(frames.Count)];
        // The fields of each component follow the fixed fields.
        if (at + 12 > file.Length) return file;
        file = [.. file];
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            switch (random.Next(6))
            {
                case 0:
                    file[at + 1] = Pick(Frames, random);
                    break;
                case 1:
                    file[at + 4] = Pick(Precisions, random);
                    break;
                case 2:
                    return WithComponents(file, at, Pick(Components, random));
                case 3:
                    var component = at + 11 + 3 * random.Next(Math.Max((int)file[at + 9], 1));
                    if (component < file.Length) file[component] = Pick(Factors, random);
                    break;
                case 4:
                    WriteSides(file.AsSpan(at + 5), random);
                    break;
                default:
                    // Copies the whole frame to another place.
                    var length = 2 + BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at + 2));
                    if (at + length > file.Length) return file;
                    return SamplePicture.Insert(file, random.Next(2, file.Length), file.AsSpan(at, length));
            }
        }

        return file;
    }

    /// <summary>Gives a frame another number of components, with as many entries.</summary>
    private static byte[] WithComponents(byte[] file, int at, byte components)
    {
        var end = at + 2 + BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at + 2));
        if (end > file.Length || end < at + 10) return file;
        byte[] frame = [.. file.AsSpan(at, 10)];
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)(8 + 3 * components));
        frame[9] = components;
        var entries = Enumerable.Range(1, components).SelectMany(i => new byte[] { (byte)i, 0x11, 0 });
        return [.. file.AsSpan(0, at), .. frame, .. entries, .. file.AsSpan(end)];
    }

    /// <summary>A lossless frame with a scan in which every sample is as predicted, in one bit each. So a decoder
    /// reaches the last row, where writing too much does the most harm.</summary>
    private static byte[] Lossless(Random random)
    {
        var components = random.Next(3) == 0 ? 1 : 3;
        byte[] frame =
            [0xFF, Pick(LosslessFrames, random), 0, (byte)(8 + 3 * components), 8, 0, 0, 0, 0, (byte)components];
        WriteSides(frame.AsSpan(5), random);
        byte[] table = [0xFF, 0xC4, 0, 20, 0, 1, .. new byte[15], 0];
        var samples = (long)Side(frame.AsSpan(5)) * Side(frame.AsSpan(7)) * components;
        var data = new byte[Math.Min(samples / 8 + 16, MostData)];
        return
        [
            0xFF, 0xD8, .. frame,
            .. Enumerable.Range(1, components).SelectMany(i => new byte[] { (byte)i, 0x11, 0 }),
            .. table,
            0xFF, 0xDA, 0, (byte)(6 + 2 * components), (byte)components,
            .. Enumerable.Range(1, components).SelectMany(i => new byte[] { (byte)i, 0 }),
            (byte)random.Next(1, 8), 0, 0,
            .. data, 0xFF, 0xD9,
        ];
    }

    private static int Side(ReadOnlySpan<byte> side) => BinaryPrimitives.ReadUInt16BigEndian(side);

    private static void WriteSides(Span<byte> target, Random random)
    {
        BinaryPrimitives.WriteUInt16BigEndian(target, (ushort)Pick(Sides, random));
        BinaryPrimitives.WriteUInt16BigEndian(target[2..], (ushort)Pick(Sides, random));
    }

    private static byte[] ChangePng(byte[] file, Random random)
    {
        if (!PngChunks.TryRead(file, out var chunks) || chunks.Count == 0) return file;
        var at = random.Next(chunks.Count);
        switch (random.Next(5))
        {
            case 0:
                chunks.Insert(random.Next(chunks.Count + 1), chunks[at]);
                break;
            case 1:
                var moved = chunks[at];
                chunks.RemoveAt(at);
                chunks.Insert(random.Next(chunks.Count + 1), moved);
                break;
            case 2:
                chunks.RemoveAt(at);
                break;
            default:
                if (chunks[0].Data.Length == 0) break;
                byte[] header = [.. chunks[0].Data];
                var field = random.Next(header.Length);
                if (field < 8 && header.Length >= 8)
                {
                    BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(field & 4), Pick(Sides, random));
                }
                else
                {
                    header[field] = (byte)random.Next(18);
                }

                chunks[0] = chunks[0] with { Data = header };
                break;
        }

        return PngChunks.Join(chunks);
    }

    private static T Pick<T>(T[] values, Random random) => values[random.Next(values.Length)];
}
