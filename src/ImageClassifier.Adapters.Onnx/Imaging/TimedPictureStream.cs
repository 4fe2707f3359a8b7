using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>
/// A picture in memory as a stream for Skia, with a time-out. Skia reads a few kilobytes at a time. After the time-out
/// the stream ends, so the decoder gives up as for a truncated file. Skia has no other way to stop a decode. Its work
/// between two reads is limited by the number of pixels. Not thread-safe.
/// </summary>
/// <param name="file">The bytes of the file, which must stay in place while the stream is used.</param>
/// <param name="header">Tells which bytes are read, and which bytes follow them.</param>
/// <param name="limit">The time-out.</param>
/// <param name="time">The clock of the time-out.</param>
internal sealed unsafe class TimedPictureStream(byte* file, PictureHeader header, TimeSpan limit, TimeProvider time)
    : SKAbstractManagedStream
{
    private readonly int _length = header.Length + header.Ending.Length;
    private long _started = time.GetTimestamp();
    private int _position;

    /// <summary>True if the time-out cut a read off.</summary>
    public bool IsCutOff { get; private set; }

    /// <summary>Starts the time-out anew.</summary>
    public void RestartClock() => _started = time.GetTimestamp();

    /// <summary>True if the time is over. Then nothing is read any more.</summary>
    public bool IsTimeOver() => IsCutOff |= time.GetElapsedTime(_started) > limit;

    protected override nint OnRead(nint buffer, nint size)
    {
        if (IsCutOff || IsTimeOver()) return 0;
        var read = Copy(buffer, size);
        _position += (int)read;
        return read;
    }

    protected override nint OnPeek(nint buffer, nint size) => Copy(buffer, size);

    protected override bool OnIsAtEnd() => IsCutOff || _position == _length;

    protected override bool OnHasPosition() => true;

    protected override bool OnHasLength() => true;

    protected override nint OnGetPosition() => _position;

    protected override nint OnGetLength() => _length;

    protected override bool OnRewind() => OnSeek(0);

    protected override bool OnMove(int offset) => OnSeek(_position + (nint)offset);

    protected override bool OnSeek(nint position)
    {
        _position = (int)nint.Clamp(position, 0, _length);
        return true;
    }

    // Skia reads a picture from one position only.
    protected override nint OnCreateNew() => 0;

    /// <summary>Skia skips bytes by reading without a buffer.</summary>
    private nint Copy(nint buffer, nint size)
    {
        var count = (int)nint.Clamp(size, 0, _length - _position);
        if (buffer == 0) return count;
        var target = new Span<byte>((byte*)buffer, count);
        var fromFile = Math.Clamp(header.Length - _position, 0, count);
        new ReadOnlySpan<byte>(file + _position, fromFile).CopyTo(target);
        if (fromFile < count)
        {
            header.Ending.Slice(_position + fromFile - header.Length, count - fromFile).CopyTo(target[fromFile..]);
        }

        return count;
    }
}
