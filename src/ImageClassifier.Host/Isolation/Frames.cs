using System.Buffers.Binary;

namespace ImageClassifier.Host.Isolation;

/// <summary>Messages on a pipe. Each has its length in four bytes, lowest byte first, and then its content.</summary>
internal static class Frames
{
    // Larger than any picture or answer. A larger length is not of this protocol.
    private const int Longest = 1 << 30;

    /// <summary>Writes a message.</summary>
    /// <exception cref="IOException">The other side has closed the pipe.</exception>
    public static async Task WriteAsync(Stream pipe, ReadOnlyMemory<byte> content)
    {
        var length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, content.Length);
        await pipe.WriteAsync(length);
        await pipe.WriteAsync(content);
        await pipe.FlushAsync();
    }

    /// <summary>Reads the next message; null if the other side has closed the pipe.</summary>
    /// <exception cref="EndOfStreamException">The pipe was closed within a message.</exception>
    /// <exception cref="InvalidDataException">The data is not a message.</exception>
    public static async Task<byte[]?> ReadAsync(Stream pipe)
    {
        var length = new byte[sizeof(int)];
        var read = await pipe.ReadAtLeastAsync(length, length.Length, throwOnEndOfStream: false);
        if (read == 0) return null;
        if (read < length.Length) throw new EndOfStreamException("The pipe was closed within a message.");
        var size = BinaryPrimitives.ReadInt32LittleEndian(length);
        if (size is < 0 or > Longest) throw new InvalidDataException($"A message cannot have {size} bytes.");
        var content = new byte[size];
        await pipe.ReadExactlyAsync(content);
        return content;
    }
}
