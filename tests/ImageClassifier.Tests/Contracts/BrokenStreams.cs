namespace ImageClassifier.Tests.Contracts;

/// <summary>An upload that breaks off: it gives zeros, and then fails instead of ending.</summary>
public abstract class BrokenStream(int length) : Stream
{
    private int _left = length;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        if (_left == 0) AtTheEnd();
        var read = Math.Min(count, _left);
        Array.Clear(buffer, offset, read);
        _left -= read;
        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected abstract void AtTheEnd();
}

/// <summary>Throws instead of ending.</summary>
public sealed class FailingStream(int length) : BrokenStream(length)
{
    protected override void AtTheEnd() => throw new InvalidDataException("The upload broke off.");
}

/// <summary>Cancels its reader's call instead of ending.</summary>
public sealed class CancellingStream(CancellationTokenSource cancellation, int length) : BrokenStream(length)
{
    protected override void AtTheEnd() => cancellation.Cancel();
}
