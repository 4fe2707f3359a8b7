using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ImageClassifier.Web.Http.Connections;

/// <summary>Listens for the server on TCP and Unix sockets, with its own connections over a <see
/// cref="BoundedListener"/>. </summary>
internal sealed class BoundedListenerFactory(
    IOptions<SocketTransportOptions> options, ConnectionPlaces places, TimeProvider time, ILoggerFactory logs)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private readonly SocketTransportOptions _options = options.Value;

    private readonly SocketConnectionContextFactory _connections = new(
        new SocketConnectionFactoryOptions
        {
            IOQueueCount = options.Value.IOQueueCount,
            MaxReadBufferSize = options.Value.MaxReadBufferSize,
            MaxWriteBufferSize = options.Value.MaxWriteBufferSize,
            UnsafePreferInlineScheduling = options.Value.UnsafePreferInlineScheduling,
            WaitForDataBeforeAllocatingBuffer = options.Value.WaitForDataBeforeAllocatingBuffer,
        },
        logs.CreateLogger<SocketConnectionContextFactory>());

    /// <inheritdoc />
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint;

    /// <inheritdoc />
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var socket = Bind(endpoint);
        socket.Listen(_options.Backlog);
        return ValueTask.FromResult<IConnectionListener>(new BoundedListener(
            socket.LocalEndPoint ?? endpoint, () => new ValueTask<Socket>(socket.AcceptAsync()), socket.Dispose, Wrap,
            places, time, logs.CreateLogger<BoundedListener>()));
    }

    /// <inheritdoc />
    public void Dispose() => _connections.Dispose();

    private Socket Bind(EndPoint endpoint)
    {
        try
        {
            return _options.CreateBoundListenSocket(endpoint);
        }
        catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            // The server turns this into its own sentence.
            throw new AddressInUseException(taken.Message, taken);
        }
    }

    private ConnectionContext Wrap(Socket socket)
    {
        try
        {
            if (socket.LocalEndPoint is IPEndPoint) socket.NoDelay = _options.NoDelay;
            return _connections.Create(socket);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw new SocketException((int)SocketError.ConnectionReset);
        }
    }
}
