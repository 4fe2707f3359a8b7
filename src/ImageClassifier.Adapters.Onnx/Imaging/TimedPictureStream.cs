using SkiaSharp;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>
/// A picture in memory as Skia reads it: a few kilobytes at a time, for as long as its time lasts. After that it ends, so
/// the decoder gives up as on a file that is cut off. This is how a decode is stopped, for Skia has no other way; what it
/// does between two reads is bounded by the picture's pixels. Not for two threads at once.
/// </summary>
/// <param name="file">The file's bytes, which must neither move nor go while the stream is used.</param>
/// <param name="header">Which of them are read, and what comes after them.</param>
/// <param name="limit">How long it may be read.</param>
/// <param name="time">What time is taken from.</param>
internal sealed unsafe class TimedPictureStream(byte* file, PictureHeader header, TimeSpan limit, TimeProvider time)
    : SKAbstractManagedStream
{
    private readonly int _length = header.Length + header.Ending.Length;
    private long _started = time.GetTimestamp();
    private int _position;

    /// <summary>Whether something was not read because the time was over.</summary>
    public bool IsCutOff { get; private set; }

    /// <summary>Lets the time begin again.</summary>
    public void RestartClock() => _started = time.GetTimestamp();

    /// <summary>Whether the time is over; if so, nothing is read any more.</summary>
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

    // Skia reads a picture from one place only.
    protected override nint OnCreateNew() => 0;

    /// <summary>Skia skips by reading to nowhere.</summary>
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
