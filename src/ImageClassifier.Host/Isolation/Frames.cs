using System.Buffers.Binary;

namespace ImageClassifier.Host.Isolation;

/// <summary>Messages on a pipe: four bytes with the length, the lowest first, and so many bytes.</summary>
internal static class Frames
{
    // More than any picture or answer; what says more is no frame.
    private const int Longest = 1 << 30;

    /// <summary>Writes one message.</summary>
    /// <exception cref="IOException">The other end is closed.</exception>
    public static async Task WriteAsync(Stream pipe, ReadOnlyMemory<byte> content)
    {
        var length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, content.Length);
        await pipe.WriteAsync(length);
        await pipe.WriteAsync(content);
        await pipe.FlushAsync();
    }

    /// <summary>Reads the next message; null where the other end has closed the pipe.</summary>
    /// <exception cref="EndOfStreamException">It was closed within a message.</exception>
    /// <exception cref="InvalidDataException">What comes is no message.</exception>
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
