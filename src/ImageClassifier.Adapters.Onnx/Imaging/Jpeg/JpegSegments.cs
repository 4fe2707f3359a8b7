using System.Buffers.Binary;

namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>
/// Goes from marker to marker of a JPEG. Bytes between them that belong to nothing are skipped, as libjpeg does it: so
/// both find the same markers.
/// </summary>
/// <param name="file">The file, from its start-of-image marker on.</param>
internal ref struct JpegSegments(ReadOnlySpan<byte> file)
{
    private const int LengthBytes = 2;

    private readonly ReadOnlySpan<byte> _file = file;

    /// <summary>The marker's second byte.</summary>
    public byte Marker { get; private set; }

    /// <summary>What the marker's length spans, without the length itself.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>Where the marker begins, with its fill bytes; after the last marker, where the data ends.</summary>
    public int Start { get; private set; }

    /// <summary>Where the segment ends.</summary>
    public int End { get; private set; } = 2;

    /// <summary>Whether a segment's length is impossible.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>Goes to the next marker; false where the file ends, or a segment does not end within it.</summary>
    public bool MoveNext() => FindMarker() && (JpegMarker.StandsAlone(Marker) || ReadContent());

    private bool FindMarker()
    {
        Content = default;
        do
        {
            var distance = _file[End..].IndexOf(JpegMarker.Prefix);
            Start = distance < 0 ? _file.Length : End + distance;
            // Any number of prefixes may come before a marker.
            var at = Start;
            while (at < _file.Length && _file[at] == JpegMarker.Prefix) at++;
            if (at == _file.Length) return false;
            Marker = _file[at];
            End = at + 1;
        }
        // A zero says that the prefix was a byte of data.
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
