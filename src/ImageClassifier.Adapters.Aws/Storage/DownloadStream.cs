using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Storage;

/// <summary>An object's bytes as they come from S3. Reading throws <see cref="IOException"/> if the connection breaks
/// or stalls.</summary>
internal sealed class DownloadStream(GetObjectResponse answer, TimeProvider time) : Stream
{
    // The client's own time limit covers only the wait for the answer's headers.
    private static readonly TimeSpan LongestStall = TimeSpan.FromSeconds(30);

    private readonly Stream _content = answer.ResponseStream;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => answer.ContentLength;

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var stall = new CancellationTokenSource(LongestStall, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stall.Token);
        try
        {
            return await _content.ReadAsync(buffer, either.Token);
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellationToken))
        {
            throw Broken(failure);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        try
        {
            return _content.Read(buffer, offset, count);
        }
        catch (Exception failure) when (AwsFailure.Is(failure, CancellationToken.None))
        {
            throw Broken(failure);
        }
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) answer.Dispose();
        base.Dispose(disposing);
    }

    private static IOException Broken(Exception failure) =>
        new(AwsFailure.Describe("S3", "GetObject", failure), failure);
}
