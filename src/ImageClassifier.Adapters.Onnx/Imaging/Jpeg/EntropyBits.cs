using System.Buffers.Binary;

namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>Reads the bits of a scan up to the next marker. After the marker all bits are zero.</summary>
/// <param name="data">The file from the first byte of the scan's data.</param>
internal ref struct EntropyBits(ReadOnlySpan<byte> data)
{
    private const int PeekedBits = 16;

    // The length of the longest code and the longest value.
    private const int MostBitsOfSymbol = 31;

    private readonly ReadOnlySpan<byte> _data = data;
    private ulong _bits;
    private int _held;
    private int _next;

    /// <summary>True if more bits were read than the scan has.</summary>
    public readonly bool IsOverdrawn => _held < 0;

    /// <summary>Reads the next symbol of a Huffman code and skips the value that follows it. The lower four bits of the
    /// symbol are the length of the value.</summary>
    /// <returns>The symbol; negative if the bits are not a code.</returns>
    public int Symbol(HuffmanTable table)
    {
        var found = table.Find(Peek());
        if (found == HuffmanTable.NoCode) return -1;
        Drop((found >> 8) + (found & 15));
        return found & 0xFF;
    }

    /// <summary>Reads up to 15 bits as a number.</summary>
    public int Number(int count)
    {
        var number = Peek() >> (PeekedBits - count);
        Drop(count);
        return number;
    }

    /// <summary>Skips any number of bits.</summary>
    public void Skip(int count)
    {
        for (; count > PeekedBits; count -= PeekedBits)
        {
            Peek();
            Drop(PeekedBits);
        }

        Peek();
        Drop(count);
    }

    /// <summary>Moves past the next restart marker. False if another marker, or none, is next.</summary>
    public bool Restart()
    {
        (_bits, _held) = (0, 0);
        while (true)
        {
            var distance = _data[_next..].IndexOf(JpegMarker.Prefix);
            if (distance < 0) return false;
            _next += distance;
            while (_next < _data.Length && _data[_next] == JpegMarker.Prefix) _next++;
            if (_next == _data.Length) return false;
            var marker = _data[_next++];
            if (marker != 0) return JpegMarker.IsRestart(marker);
        }
    }

    private int Peek()
    {
        if (_held < MostBitsOfSymbol) Fill();
        return (int)(_bits >> (64 - PeekedBits));
    }

    private void Drop(int count)
    {
        _bits <<= count;
        _held -= count;
    }

    private void Fill()
    {
        if (_held < 0) return;
        if (_held <= 32 && _data.Length - _next >= sizeof(uint))
        {
            var four = BinaryPrimitives.ReadUInt32BigEndian(_data[_next..]);
            if (!HasPrefix(four))
            {
                _bits |= (ulong)four << (32 - _held);
                _held += 32;
                _next += sizeof(uint);
                return;
            }
        }

        while (_held <= 56 && TryReadByte(out var value))
        {
            _bits |= (ulong)value << (56 - _held);
            _held += 8;
        }
    }

    // A byte of eight ones is a zero byte of the inverse.
    private static bool HasPrefix(uint four) => ((~four - 0x01010101) & four & 0x80808080) != 0;

    private bool TryReadByte(out byte value)
    {
        value = 0;
        if (_next >= _data.Length) return false;
        value = _data[_next];
        if (value != JpegMarker.Prefix)
        {
            _next++;
            return true;
        }

        var after = _next + 1;
        while (after < _data.Length && _data[after] == JpegMarker.Prefix) after++;
        // A prefix and a zero are one byte of data. Anything else is a marker, which is not consumed.
        if (after == _data.Length || _data[after] != 0) return false;
        _next = after + 1;
        return true;
    }
}
