using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Http.Connections;

/// <summary>Accepts connections while slots are free. If the process has no file descriptor left, it pauses. Kestrel's
/// own listener retries at once and keeps a core busy.</summary>
/// <param name="endpoint">The listening address.</param>
/// <param name="accept">Accepts the next socket.</param>
/// <param name="close">Stops listening and ends <paramref name="accept"/>.</param>
/// <param name="wrap">Turns a socket into a Kestrel connection.</param>
/// <param name="slots">The connection slots that all listeners share.</param>
/// <param name="time">The clock for pauses.</param>
/// <param name="log">The log.</param>
internal sealed class BoundedListener(
    EndPoint endpoint,
    Func<ValueTask<Socket>> accept,
    Action close,
    Func<Socket, ConnectionContext> wrap,
    ConnectionSlots slots,
    TimeProvider time,
    ILogger log) : IConnectionListener
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    // At the limit, slots are released and taken constantly, so the log needs a limit.
    private static readonly TimeSpan FullLogInterval = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _unbound = new();
    private long? _fullLoggedAt;

    /// <inheritdoc />
    public EndPoint EndPoint => endpoint;

    /// <inheritdoc />
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        if (slots.AreAllTaken) LogFull();
        try
        {
            await slots.AcquireAsync(_unbound.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        ConnectionContext? accepted = null;
        try
        {
            return accepted = await NextAsync();
        }
        finally
        {
            if (accepted is null) slots.Release();
        }
    }

    /// <inheritdoc />
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _unbound.CancelAsync();
        close();
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        _unbound.Dispose();
    }

    /// <summary>Accepts the next connection; null once listening has ended.</summary>
    private async Task<ConnectionContext?> NextAsync()
    {
        var pause = TimeSpan.Zero;
        while (true)
        {
            try
            {
                return new BoundedConnection(wrap(await accept()), slots);
            }
            catch (Exception failure)
                when (_unbound.IsCancellationRequested && failure is SocketException or ObjectDisposedException)
            {
                return null;
            }
            catch (SocketException gone)
                when (gone.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
            {
                // The client disconnected before the accept.
            }
            catch (SocketException failure)
            {
                if (pause == TimeSpan.Zero)
                    log.LogWarning("Connections cannot be accepted; the server tries again: {Cause}", failure.Message);
                pause = pause == TimeSpan.Zero ? FirstPause : Min(2 * pause, LongestPause);
                if (!await WaitAsync(pause)) return null;
            }
        }
    }

    private void LogFull()
    {
        if (_fullLoggedAt is { } loggedAt && time.GetElapsedTime(loggedAt) < FullLogInterval) return;
        _fullLoggedAt = time.GetTimestamp();
        log.LogWarning("All connection slots are taken: new connections wait until one is closed");
    }

    private async Task<bool> WaitAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, time, _unbound.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
