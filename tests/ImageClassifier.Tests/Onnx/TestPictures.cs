using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using SkiaSharp;

namespace ImageClassifier.Tests.Onnx;

/// <summary>Draws pictures for tests and encodes them.</summary>
internal static class TestPictures
{
    /// <summary>A picture without any symmetry: soft colours that differ in all four corners.</summary>
    public static SKBitmap Gradient(int width, int height, bool transparent = false)
    {
        var bitmap = new SKBitmap(new SKImageInfo(
            width, height, SKColorType.Rgba8888, transparent ? SKAlphaType.Unpremul : SKAlphaType.Opaque));
        bitmap.Pixels = Draw(width, height, (x, y) =>
        {
            var (u, v) = ((x + 0.5) / width, (y + 0.5) / height);
            var alpha = transparent ? (byte)(255 * Math.Min(1, u * 1.5)) : (byte)255;
            return new SKColor((byte)(255 * u), (byte)(255 * v), (byte)(200 * (1 - u) * (1 - v)), alpha);
        });
        return bitmap;
    }

    /// <summary>A picture full of sharp edges, always the same: the hardest for a filter.</summary>
    public static SKBitmap Noise(int width, int height, bool transparent = false)
    {
        var bitmap = Gradient(width, height, transparent);
        var random = new Random(width * 31 + height);
        bitmap.Pixels = [.. bitmap.Pixels.Select(pixel => pixel
            .WithRed((byte)random.Next(256)).WithGreen((byte)random.Next(256)))];
        return bitmap;
    }

    public static SKBitmap Plain(int width, int height, SKColor color)
    {
        var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.Erase(color);
        return bitmap;
    }

    public static byte[] Png(SKBitmap bitmap) => Encode(bitmap, SKEncodedImageFormat.Png, 100);

    public static byte[] Jpeg(SKBitmap bitmap, int quality = 100) =>
        Encode(bitmap, SKEncodedImageFormat.Jpeg, quality);

    public static byte[] Encode(SKBitmap bitmap, SKEncodedImageFormat format, int quality)
    {
        using var data = bitmap.Encode(format, quality);
        return data.ToArray();
    }

    /// <summary>Inserts an EXIF block with an orientation after a JPEG's start marker.</summary>
    public static byte[] WithOrientation(byte[] jpeg, byte orientation)
    {
        byte[] exif =
        [
            0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8,
            .. "II"u8, 42, 0, 8, 0, 0, 0,
            1, 0,
            0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0,
            0, 0, 0, 0,
        ];
        return [.. jpeg[..2], .. exif, .. jpeg[2..]];
    }

    /// <summary>The picture that a turned camera would store for an upright picture: the inverse of the EXIF
    /// orientation.</summary>
    public static SKBitmap AsStored(SKBitmap upright, int orientation)
    {
        var (w, h) = (upright.Width, upright.Height);
        var swapped = orientation >= 5;
        var stored = new SKBitmap(upright.Info.WithSize(swapped ? h : w, swapped ? w : h));
        for (var y = 0; y < h; y++)
        {
            for (var x = 0; x < w; x++)
            {
                var (storedX, storedY) = orientation switch
                {
                    1 => (x, y),
                    2 => (w - 1 - x, y),
                    3 => (w - 1 - x, h - 1 - y),
                    4 => (x, h - 1 - y),
                    5 => (y, x),
                    6 => (y, w - 1 - x),
                    7 => (h - 1 - y, w - 1 - x),
                    8 => (h - 1 - y, x),
                    _ => throw new ArgumentOutOfRangeException(nameof(orientation)),
                };
                stored.SetPixel(storedX, storedY, upright.GetPixel(x, y));
            }
        }

        return stored;
    }

    /// <summary>A PNG in a form that the encoder does not write. Scanlines are given as stored, without filter
    /// bytes.</summary>
    public static byte[] RawPng(
        int width, int height, byte depth, byte colorType, IEnumerable<byte[]> scanlines, bool interlaced = false,
        CompressionLevel compression = CompressionLevel.Fastest)
    {
        using var file = new MemoryStream();
        file.Write([0x89, .. "PNG\r\n"u8, 0x1A, 0x0A]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = depth;
        header[9] = colorType;
        header[12] = interlaced ? (byte)1 : (byte)0;
        WriteChunk(file, "IHDR", header);
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, compression, leaveOpen: true))
        {
            foreach (var line in scanlines)
            {
                zlib.WriteByte(0);
                zlib.Write(line);
            }
        }

        WriteChunk(file, "IDAT", packed.ToArray());
        WriteChunk(file, "IEND", []);
        return file.ToArray();
    }

    /// <summary>A picture as an interlaced (Adam7) PNG.</summary>
    public static byte[] InterlacedPng(SKBitmap bitmap)
    {
        (int X, int Y, int StepX, int StepY)[] passes =
            [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
        var lines = new List<byte[]>();
        foreach (var pass in passes)
        {
            for (var y = pass.Y; y < bitmap.Height; y += pass.StepY)
            {
                var line = new List<byte>();
                for (var x = pass.X; x < bitmap.Width; x += pass.StepX)
                {
                    var pixel = bitmap.GetPixel(x, y);
                    line.AddRange([pixel.Red, pixel.Green, pixel.Blue]);
                }

                if (line.Count > 0) lines.Add([.. line]);
            }
        }

        return RawPng(bitmap.Width, bitmap.Height, 8, 2, lines, interlaced: true);
    }

    private static SKColor[] Draw(int width, int height, Func<int, int, SKColor> color)
    {
        var pixels = new SKColor[width * height];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = color(i % width, i / width);
        return pixels;
    }

    /// <summary>Writes a PNG chunk with its checksum.</summary>
    public static void WriteChunk(Stream file, string type, byte[] data)
    {
        byte[] typed = [.. Encoding.ASCII.GetBytes(type), .. data];
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(typed);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32(typed));
        file.Write(number);
    }

    private static uint Crc32(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }

        return ~crc;
    }
}
