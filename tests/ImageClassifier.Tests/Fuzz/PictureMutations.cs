using System.Buffers.Binary;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Onnx;

namespace ImageClassifier.Tests.Fuzz;

/// <summary>Mutated pictures: the sample pictures, and small pictures in other forms.</summary>
internal sealed class PictureMutations
{
    private const int MostChanges = 4;
    private static readonly byte[] BoundaryBytes = [0, 1, 0x7F, 0x80, 0xFE, 0xFF];

    private static readonly uint[] TellingLengths =
        [0, 1, 2, 3, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, uint.MaxValue];

    private readonly List<byte[]> _originals;

    private PictureMutations(List<byte[]> originals) => _originals = originals;

    /// <summary>Reads the original pictures.</summary>
    /// <param name="longest">Larger files are left out, to save time.</param>
    public static PictureMutations Load(int longest)
    {
        var samples = Path.GetDirectoryName(Repository.SharedFile("images", "README.md"))!;
        var files = Directory.EnumerateFiles(samples, "*", SearchOption.AllDirectories)
            .Where(path => Path.GetExtension(path) is ".jpg" or ".png" or ".webp")
            .Order(StringComparer.Ordinal)
            .Select(File.ReadAllBytes)
            .Where(file => file.Length > 0 && file.Length <= longest);
        return new PictureMutations([.. files, .. Small()]);
    }

    /// <summary>A mutated picture.</summary>
    public byte[] Next(Random random)
    {
        var file = Pick(random);
        for (var changes = random.Next(1, MostChanges + 1); changes > 0 && file.Length > 0; changes--)
        {
            file = random.Next(11) switch
            {
                0 => Flip(file, random),
                1 => Overwrite(file, random),
                2 => file[..random.Next(file.Length)],
                3 => Splice(file, random),
                4 => Repeat(file, random),
                5 => Remove(file, random),
                6 => ChangeSegment(file, random),
                >= 8 => HeaderMutations.Change(file, random),
                _ => ChangeHead(file, random),
            };
        }

        return file;
    }

    // Small files allow many tries a second, so they are chosen more often.
    private byte[] Pick(Random random)
    {
        var (one, other) = (_originals[random.Next(_originals.Count)], _originals[random.Next(_originals.Count)]);
        return one.Length < other.Length ? one : other;
    }

    private static byte[] Flip(byte[] file, Random random)
    {
        file = [.. file];
        for (var bits = random.Next(1, 16); bits > 0; bits--)
            file[random.Next(file.Length)] ^= (byte)(1 << random.Next(8));
        return file;
    }

    private static byte[] Overwrite(byte[] file, Random random)
    {
        file = [.. file];
        for (var bytes = random.Next(1, 8); bytes > 0; bytes--)
            file[random.Next(file.Length)] = BoundaryBytes[random.Next(BoundaryBytes.Length)];
        return file;
    }

    /// <summary>The beginning of one file, then the rest of another.</summary>
    private byte[] Splice(byte[] file, Random random)
    {
        var other = Pick(random);
        return [.. file.AsSpan(0, random.Next(file.Length)), .. other.AsSpan(random.Next(other.Length))];
    }

    private static byte[] Repeat(byte[] file, Random random)
    {
        var (from, length) = Part(file, random);
        var repeated = Enumerable.Repeat(file[from..(from + length)], random.Next(1, 20)).SelectMany(part => part);
        return [.. file.AsSpan(0, from), .. repeated, .. file.AsSpan(from)];
    }

    private static byte[] Remove(byte[] file, Random random)
    {
        var (from, length) = Part(file, random);
        return [.. file.AsSpan(0, from), .. file.AsSpan(from + length)];
    }

    private static (int From, int Length) Part(byte[] file, Random random)
    {
        var from = random.Next(file.Length);
        return (from, random.Next(Math.Min(file.Length - from, 2000)));
    }

    /// <summary>The places of sizes and structure.</summary>
    private static byte[] ChangeHead(byte[] file, Random random)
    {
        file = [.. file];
        for (var bytes = random.Next(1, 5); bytes > 0; bytes--)
            file[random.Next(Math.Min(file.Length, 700))] = (byte)random.Next(256);
        return file;
    }

    /// <summary>Changes the length of a chunk or segment, moves it to the end, or doubles it.</summary>
    private static byte[] ChangeSegment(byte[] file, Random random)
    {
        var segments = file is [0xFF, 0xD8, ..] ? JpegSegments(file) : PngChunks(file);
        if (segments.Count == 0) return Flip(file, random);
        var (at, length, lengthAt, lengthBytes) = segments[random.Next(segments.Count)];
        switch (random.Next(3))
        {
            case 0:
                file = [.. file];
                var telling = TellingLengths[random.Next(TellingLengths.Length)];
                var changed = random.Next(2) == 0 ? telling : (uint)(length + random.Next(-20, 20));
                if (lengthBytes == 2) BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(lengthAt), (ushort)changed);
                else BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(lengthAt), changed);
                return file;
            case 1:
                return [.. file.AsSpan(0, at), .. file.AsSpan(at + length), .. file.AsSpan(at, length)];
            default:
                return [.. file.AsSpan(0, at + length), .. file.AsSpan(at)];
        }
    }

    private static List<Segment> JpegSegments(byte[] file)
    {
        var found = new List<Segment>();
        for (var at = 2; at + 4 <= file.Length && file[at] == 0xFF;)
        {
            var length = 2 + BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at + 2));
            if (at + length > file.Length) break;
            found.Add(new Segment(at, length, at + 2, 2));
            at += length;
        }

        return found;
    }

    private static List<Segment> PngChunks(byte[] file)
    {
        var found = new List<Segment>();
        for (var at = 8; at + 12 <= file.Length;)
        {
            var length = 12L + BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at));
            if (at + length > file.Length) break;
            found.Add(new Segment(at, (int)length, at, 4));
            at += (int)length;
        }

        return found;
    }

    private static IEnumerable<byte[]> Small()
    {
        using var opaque = TestPictures.Noise(60, 45);
        using var transparent = TestPictures.Noise(33, 50, transparent: true);
        using var soft = TestPictures.Gradient(90, 70);
        yield return TestPictures.Jpeg(opaque, 80);
        yield return TestPictures.Jpeg(soft, 40);
        yield return TestPictures.WithOrientation(TestPictures.Jpeg(soft), 6);
        foreach (var form in SamplePicture.All) yield return form;
        yield return ProgressiveJpeg.Create(100, 70, scans: 4);
        yield return TestPictures.Png(opaque);
        yield return TestPictures.Png(transparent);
        yield return TestPictures.InterlacedPng(soft);
        yield return TestPictures.RawPng(20, 20, 16, 2, Enumerable.Repeat(new byte[120], 20));
        yield return TestPictures.RawPng(20, 20, 1, 0, Enumerable.Repeat(new byte[3], 20));
    }

    private readonly record struct Segment(int At, int Length, int LengthAt, int LengthBytes);
}
