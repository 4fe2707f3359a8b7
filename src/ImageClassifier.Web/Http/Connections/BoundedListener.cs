using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Http.Connections;

/// <summary>Accepts connections while there are places. The server's own listener tries again at once when the system
/// has no file left for a connection, and so keeps a core busy; this one pauses.</summary>
/// <param name="endpoint">Where it listens.</param>
/// <param name="accept">Accepts the next connection.</param>
/// <param name="close">Ends listening, which ends <paramref name="accept"/> too.</param>
/// <param name="wrap">Makes the server's connection of a socket.</param>
/// <param name="places">The places of all listeners.</param>
/// <param name="time">The clock of the pauses.</param>
/// <param name="log">Where a pause is told.</param>
internal sealed class BoundedListener(
    EndPoint endpoint,
    Func<ValueTask<Socket>> accept,
    Action close,
    Func<Socket, ConnectionContext> wrap,
    ConnectionPlaces places,
    TimeProvider time,
    ILogger log) : IConnectionListener
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    // At the limit places come free and are taken all the time.
    private static readonly TimeSpan FullToldEvery = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _unbound = new();
    private long? _fullToldAt;

    /// <inheritdoc />
    public EndPoint EndPoint => endpoint;

    /// <inheritdoc />
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        if (places.AreTaken) TellFull();
        try
        {
            await places.EnterAsync(_unbound.Token);
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
            if (accepted is null) places.Leave();
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

    /// <summary>The next connection; null where listening has ended.</summary>
    private async Task<ConnectionContext?> NextAsync()
    {
        var pause = TimeSpan.Zero;
        while (true)
        {
            try
            {
                return new BoundedConnection(wrap(await accept()), places);
            }
            catch (Exception failure)
                when (_unbound.IsCancellationRequested && failure is SocketException or ObjectDisposedException)
            {
                return null;
            }
            catch (SocketException gone)
                when (gone.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
            {
                // The client left before it was accepted.
            }
            catch (SocketException failure)
            {
                if (pause == TimeSpan.Zero)
                    log.LogWarning("No connection is accepted for a moment: {Cause}", failure.Message);
                pause = pause == TimeSpan.Zero ? FirstPause : Min(2 * pause, LongestPause);
                if (!await WaitAsync(pause)) return null;
            }
        }
    }

    private void TellFull()
    {
        if (_fullToldAt is { } told && time.GetElapsedTime(told) < FullToldEvery) return;
        _fullToldAt = time.GetTimestamp();
        log.LogWarning("All places for connections are taken: others wait until one is closed");
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
