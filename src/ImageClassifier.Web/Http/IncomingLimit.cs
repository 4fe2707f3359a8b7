using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace ImageClassifier.Web.Http;

/// <summary>Limits what a client can send on a WebSocket: clients have nothing to send but a close frame. Bytes are
/// counted below the protocol, so messages, fragments and pings all count. Beyond the limit nothing is read, so a flood
/// costs no time.</summary>
internal sealed class IncomingLimit(IHttpUpgradeFeature upgrade, TimeProvider time) : IHttpUpgradeFeature, IDisposable
{
    // About a hundred small frames at once and ten per second: enough for the pings of client libraries.
    private const int Burst = 4 << 10;
    private const int BytesASecond = 128;

    private readonly CancellationTokenSource _exceeded = new();
    private double _left = Burst;
    private long _countedAt = time.GetTimestamp();

    /// <summary>Cancelled when the client has exceeded the limit.</summary>
    public CancellationToken Exceeded => _exceeded.Token;

    /// <inheritdoc />
    public bool IsUpgradableRequest => upgrade.IsUpgradableRequest;

    /// <summary>The middleware. It must come before the WebSocket middleware.</summary>
    public static async Task AddAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade)
        {
            await next(context);
            return;
        }

        using var limit = new IncomingLimit(upgrade, context.RequestServices.GetRequiredService<TimeProvider>());
        context.Features.Set<IHttpUpgradeFeature>(limit);
        context.Features.Set(limit);
        await next(context);
    }

    /// <inheritdoc />
    public async Task<Stream> UpgradeAsync() => new LimitedStream(await upgrade.UpgradeAsync(), this);

    /// <inheritdoc />
    public void Dispose() => _exceeded.Dispose();

    /// <summary>Counts received bytes.</summary>
    /// <returns>True if the limit is exceeded.</returns>
    private async ValueTask<bool> CountAsync(int bytes)
    {
        var now = time.GetTimestamp();
        _left = Math.Min(Burst, _left + (time.GetElapsedTime(_countedAt, now).TotalSeconds * BytesASecond)) - bytes;
        _countedAt = now;
        if (_left >= 0) return false;
        await _exceeded.CancelAsync();
        return true;
    }

    private sealed class LimitedStream(Stream connection, IncomingLimit limit) : Stream
    {
        private readonly TaskCompletionSource<int> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await connection.ReadAsync(buffer, cancellationToken);
            // An end of stream would look like a broken connection, and no close frame could be sent. So the read
            // hangs.
            return await limit.CountAsync(read) ? await _closed.Task.WaitAsync(cancellationToken) : read;
        }

        public override Task<int> ReadAsync(
            byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            connection.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            connection.WriteAsync(buffer, offset, count, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) =>
            connection.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                connection.Dispose();
                _closed.TrySetResult(0);
            }

            base.Dispose(disposing);
        }
    }
}
