using System.Buffers.Binary;

namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>
/// Moves from marker to marker of a JPEG. Stray bytes between segments are skipped as in libjpeg, so that both find the
/// same markers.
/// </summary>
/// <param name="file">The file from its start-of-image marker.</param>
internal ref struct JpegSegments(ReadOnlySpan<byte> file)
{
    private const int LengthBytes = 2;

    private readonly ReadOnlySpan<byte> _file = file;

    /// <summary>The second byte of the marker.</summary>
    public byte Marker { get; private set; }

    /// <summary>The content of the segment, without its length.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>The start of the marker, with its fill bytes. After the last marker, the end of the data.</summary>
    public int Start { get; private set; }

    /// <summary>The end of the segment.</summary>
    public int End { get; private set; } = 2;

    /// <summary>True if the length of a segment is impossible.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>Moves to the next marker. False at the end of the file, or if a segment does not end within
    /// it.</summary>
    public bool MoveNext() => FindMarker() && (JpegMarker.StandsAlone(Marker) || ReadContent());

    private bool FindMarker()
    {
        Content = default;
        do
        {
            var distance = _file[End..].IndexOf(JpegMarker.Prefix);
            Start = distance < 0 ? _file.Length : End + distance;
            // Any number of prefix bytes may come before a marker.
            var at = Start;
            while (at < _file.Length && _file[at] == JpegMarker.Prefix) at++;
            if (at == _file.Length) return false;
            Marker = _file[at];
            End = at + 1;
        }
        // A zero after the prefix means that the prefix was a byte of data.
        while (Marker == 0);

        return true;
    }

    private bool ReadContent()
    {
        if (_file.Length - End < LengthBytes) return false;
        var length = BinaryPrimitives.ReadUInt16BigEndian(_file[End..]);
        IsDamaged = length < LengthBytes;
        if (IsDamaged || length > _file.Length - End) return false;
        Content = _file.Slice(End + LengthBytes, length - LengthBytes);
        End += length;
        return true;
    }
}
