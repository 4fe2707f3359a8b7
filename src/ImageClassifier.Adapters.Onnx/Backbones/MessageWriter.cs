using System.Text;

namespace ImageClassifier.Adapters.Onnx.Backbones;

/// <summary>Writes a message of protocol buffers. A head needs three kinds of fields, so this class replaces a
/// package.</summary>
internal sealed class MessageWriter
{
    private const int Varint = 0;
    private const int LengthDelimited = 2;

    private readonly MemoryStream _bytes = new();

    /// <summary>Adds a number that is not negative.</summary>
    public MessageWriter Number(int field, long value)
    {
        WriteTag(field, Varint);
        WriteVarint((ulong)value);
        return this;
    }

    /// <summary>Adds a text.</summary>
    public MessageWriter Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    /// <summary>Adds a message.</summary>
    public MessageWriter Message(int field, MessageWriter message) => Bytes(field, message.ToArray());

    /// <summary>Adds bytes.</summary>
    public MessageWriter Bytes(int field, ReadOnlySpan<byte> bytes)
    {
        WriteTag(field, LengthDelimited);
        WriteVarint((ulong)bytes.Length);
        _bytes.Write(bytes);
        return this;
    }

    /// <summary>The bytes so far.</summary>
    public byte[] ToArray() => _bytes.ToArray();

    private void WriteTag(int field, int type) => WriteVarint((ulong)(field << 3 | type));

    private void WriteVarint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) _bytes.WriteByte((byte)(value | 0x80));
        _bytes.WriteByte((byte)value);
    }
}
