using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace ImageClassifier.Web.Http;

/// <summary>What a client may send on a WebSocket: a little, because clients have nothing to say there but goodbye.
/// Bytes are counted below the protocol, so messages, fragments and pings all count. Past the limit nothing more is
/// read, so a flood costs no time.</summary>
internal sealed class IncomingLimit(IHttpUpgradeFeature upgrade, TimeProvider time) : IHttpUpgradeFeature, IDisposable
{
    // Some hundred small frames at once, and some ten a second: libraries send pings of their own.
    private const int Burst = 4 << 10;
    private const int BytesASecond = 128;

    private readonly CancellationTokenSource _exceeded = new();
    private double _left = Burst;
    private long _countedAt = time.GetTimestamp();

    /// <summary>Cancelled when the client has sent too much.</summary>
    public CancellationToken Exceeded => _exceeded.Token;

    /// <inheritdoc />
    public bool IsUpgradableRequest => upgrade.IsUpgradableRequest;

    /// <summary>The middleware; WebSockets come after it.</summary>
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

    /// <summary>Counts what came.</summary>
    /// <returns>Whether it is too much.</returns>
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
            // The end of what came would read as a broken connection, over which no goodbye can be said.
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
