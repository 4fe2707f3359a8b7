namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>
/// Reads all markers of a JPEG before the codec does, and accepts only the markers that are listed here. A frame of
/// another kind must not reach the codec: when the codec scales a lossless frame, it writes past its buffer.
/// </summary>
/// <param name="file">The file from its start-of-image marker.</param>
internal ref struct JpegReader(ReadOnlySpan<byte> file)
{
    // Skia's own limit. Each scan processes the whole picture again.
    private const int MostScans = 100;
    private const int AdobeBytes = 12;

    private JpegSegments _segments = new(file);
    private JpegFrame? _frame;
    private JpegProgress? _progress;
    private bool _hasAdobe;
    private bool _hasRestarts;
    private int _scans;
    private bool _isInData;
    private bool _isOneScan;
    private int _dataEnd;
    private bool _hasEnd;

    /// <summary>Reads the header of a JPEG.</summary>
    /// <param name="file">The bytes of the file.</param>
    /// <param name="refusal">Why there is no header; otherwise null.</param>
    public static JpegHeader? Read(ReadOnlySpan<byte> file, out string? refusal)
    {
        var reader = new JpegReader(file);
        refusal = reader.ReadSegments() ?? reader.Conclude();
        return refusal is null
            ? new JpegHeader(reader._frame!, reader._dataEnd, reader._isOneScan, reader._hasEnd)
            : null;
    }

    private string? ReadSegments()
    {
        while (!_hasEnd && _segments.MoveNext())
        {
            if (_isInData && _hasRestarts && JpegMarker.IsRestart(_segments.Marker)) continue;
            LeaveData();
            // The codec stops reading here too.
            if (_isOneScan) _hasEnd = true;
            else if (Take(_segments.Marker, _segments.Content) is { } refusal) return refusal;
        }

        if (_segments.IsDamaged) return JpegHeader.Damaged;
        LeaveData();
        return null;
    }

    private void LeaveData()
    {
        if (_isInData) _dataEnd = _segments.Start;
        _isInData = false;
    }

    private string? Take(byte marker, ReadOnlySpan<byte> content)
    {
        switch (marker)
        {
            case JpegMarker.BaselineFrame or JpegMarker.ExtendedFrame or JpegMarker.ProgressiveFrame
                or JpegMarker.ArithmeticFrame or JpegMarker.ArithmeticProgressiveFrame:
                return TakeFrame(marker, content);
            case JpegMarker.StartOfScan:
                return TakeScan(content);
            case JpegMarker.EndOfImage:
                _hasEnd = true;
                return null;
            case JpegMarker.RestartInterval:
                _hasRestarts = content is not [0, 0];
                return content.Length == 2 ? null : JpegHeader.Damaged;
            case JpegMarker.Adobe:
                _hasAdobe |= _scans == 0 && content.Length >= AdobeBytes && content.StartsWith("Adobe"u8);
                return null;
            case JpegMarker.HuffmanTables or JpegMarker.ArithmeticConditions or JpegMarker.QuantizationTables
                or JpegMarker.NumberOfLines or JpegMarker.Comment
                or (>= JpegMarker.FirstApplication and <= JpegMarker.LastApplication):
                return null;
            case >= JpegMarker.FirstRestart and <= JpegMarker.LastRestart:
                return _scans > 0 ? null : JpegHeader.Damaged;
            default:
                return JpegMarker.UnsupportedKind(marker) is { } kind
                    ? $"The file is a {kind}. Export it as a baseline or progressive JPEG."
                    : JpegHeader.Damaged;
        }
    }

    private string? TakeFrame(byte marker, ReadOnlySpan<byte> content)
    {
        if (_frame is not null) return JpegHeader.Damaged;
        _frame = JpegFrame.Read(marker, content, out var refusal);
        if (_frame is not null) _progress = new JpegProgress(_frame);
        return refusal;
    }

    private string? TakeScan(ReadOnlySpan<byte> content)
    {
        if (_frame is null || JpegScan.Read(_frame, content) is not { } scan) return JpegHeader.Damaged;
        if (++_scans > MostScans)
        {
            return $"The JPEG has more than {MostScans} scans. Export it as a baseline or progressive JPEG.";
        }

        _progress!.Add(scan);
        _isOneScan = !_frame.IsProgressive && _scans == 1 && scan.Components.Length == _frame.Components.Length;
        _isInData = true;
        return null;
    }

    private readonly string? Conclude()
    {
        if (_scans == 0) return _hasEnd ? JpegHeader.Damaged : PictureHeader.CutOff;
        if (_frame!.Components.Length == 4 && !_hasAdobe)
        {
            return "The file is a CMYK JPEG without an Adobe marker: it does not say whether 0 is no ink or full ink. "
                + "Export it as an RGB JPEG.";
        }

        // An encoder may leave out the finest bits of a progressive JPEG, but then the file has an end marker. In
        // arithmetic-coded data only the end marker shows that the data is complete.
        var isWhole = _hasEnd ? _progress!.HasAllComponents : _progress!.IsWhole && !_frame.IsArithmetic;
        return isWhole ? null : PictureHeader.CutOff;
    }
}
