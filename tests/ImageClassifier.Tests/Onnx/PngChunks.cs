using System.Buffers.Binary;
using System.Text;

namespace ImageClassifier.Tests.Onnx;

/// <summary>A chunk of a PNG, so that tests can assemble PNGs.</summary>
/// <param name="Type">The name of the chunk.</param>
/// <param name="Data">The data of the chunk.</param>
internal sealed record PngChunks(string Type, byte[] Data)
{
    private const int SignatureBytes = 8;
    private const int BytesAroundData = 12;

    /// <summary>Splits a PNG into its chunks.</summary>
    public static List<PngChunks> Of(byte[] png) => TryRead(png, out var chunks)
        ? chunks
        : throw new ArgumentException("The PNG has a chunk that is not whole.", nameof(png));

    /// <summary>Splits a PNG into its whole chunks.</summary>
    /// <returns>True if all chunks are whole.</returns>
    public static bool TryRead(byte[] png, out List<PngChunks> chunks)
    {
        chunks = [];
        for (var at = SignatureBytes; at < png.Length;)
        {
            if (png.Length - at < BytesAroundData) return false;
            var length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at));
            if (length < 0 || length > png.Length - at - BytesAroundData) return false;
            chunks.Add(new PngChunks(Encoding.ASCII.GetString(png, at + 4, 4), png[(at + 8)..(at + 8 + length)]));
            at += length + BytesAroundData;
        }

        return true;
    }

    /// <summary>Joins chunks, each with its checksum.</summary>
    public static byte[] Join(IEnumerable<PngChunks> chunks)
    {
        using var file = new MemoryStream();
        file.Write([0x89, .. "PNG\r\n"u8, 0x1A, 0x0A]);
        foreach (var chunk in chunks) TestPictures.WriteChunk(file, chunk.Type, chunk.Data);
        return file.ToArray();
    }

    /// <summary>The same picture, with its pixels in chunks of a number of bytes.</summary>
    public static byte[] Split(byte[] png, int bytesOfPixels) => Join(Of(png).SelectMany(chunk => chunk.Type == "IDAT"
        ? chunk.Data.Chunk(bytesOfPixels).Select(part => chunk with { Data = part })
        : [chunk]));
}
