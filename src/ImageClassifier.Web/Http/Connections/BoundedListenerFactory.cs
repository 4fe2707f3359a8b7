using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ImageClassifier.Web.Http.Connections;

/// <summary>Creates a <see cref="BoundedListener"/> for each TCP or Unix socket that Kestrel listens on.</summary>
internal sealed class BoundedListenerFactory(
    IOptions<SocketTransportOptions> options, ConnectionSlots slots, TimeProvider time, ILoggerFactory logs)
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
            slots, time, logs.CreateLogger<BoundedListener>()));
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
            // Kestrel turns this exception into its own message.
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
