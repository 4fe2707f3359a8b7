using System.Net;
using System.Net.Sockets;

namespace ImageClassifier.Core.Outbound;

/// <summary>Finds the addresses of a host.</summary>
public delegate Task<IPAddress[]> FindAddresses(string host, CancellationToken cancellation);

/// <summary>Opens a connection to an address.</summary>
public delegate ValueTask<Stream> OpenConnection(IPEndPoint address, CancellationToken cancellation);

/// <summary>Makes HTTP handlers for addresses that clients name. A client cannot reach the service's own network
/// through them: each address of a host is checked after the look-up, and the connection goes to that address.</summary>
public static class OutboundHttp
{
    private const int LongestHeadersInKiB = 16;

    // What is not read is read and dropped up to here, so that the connection can be used again.
    private const int LongestDrain = 64 << 10;

    // An attempt goes on without its request, so it needs a limit of its own.
    private static readonly TimeSpan LongestAttempt = TimeSpan.FromSeconds(10);

    // A host that moves is followed within this time.
    private static readonly TimeSpan LongestConnection = TimeSpan.FromMinutes(1);

    /// <summary>Makes a handler. It follows no redirect, uses no proxy, keeps no cookies and decompresses nothing. The
    /// caller limits time and bytes.</summary>
    /// <param name="rules">The allowed addresses. A connection fails with a <see cref="ForbiddenAddressException"/> if
    /// any address of its host is not allowed.</param>
    /// <param name="find">Finds addresses; null for DNS.</param>
    /// <param name="open">Opens connections; null for TCP.</param>
    public static SocketsHttpHandler CreateHandler(
        AddressRules rules, FindAddresses? find = null, OpenConnection? open = null) => new()
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = LongestHeadersInKiB,
            MaxResponseDrainSize = LongestDrain,
            ConnectTimeout = LongestAttempt,
            PooledConnectionLifetime = LongestConnection,
            ConnectCallback = (context, cancellation) => ConnectAsync(
                context, rules, find ?? LookUpAsync, open ?? OpenAsync, cancellation),
        };

    /// <summary>Looks a host up on a thread of its own. The system's look-up blocks its thread for as long as the name
    /// server is silent, and many would take all threads of the pool.</summary>
    private static Task<IPAddress[]> LookUpAsync(string host, CancellationToken cancellation) => Task.Factory.StartNew(
        () => Dns.GetHostAddresses(host), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default)
        .WaitAsync(cancellation);

    private static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context, AddressRules rules, FindAddresses find, OpenConnection open,
        CancellationToken cancellation)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var isEncrypted = context.InitialRequestMessage.RequestUri?.Scheme == Uri.UriSchemeHttps;
        var addresses = await find(host, cancellation).ConfigureAwait(false);
        if (addresses.Length == 0) throw new SocketException((int)SocketError.HostNotFound);
        if (!Array.TrueForAll(addresses, address => rules.Allow(address, isEncrypted)))
            throw new ForbiddenAddressException(host);
        for (var i = 0; ; i++)
        {
            try
            {
                return await open(new IPEndPoint(addresses[i], port), cancellation).ConfigureAwait(false);
            }
            catch (SocketException) when (i + 1 < addresses.Length)
            {
                // The next address may answer.
            }
        }
    }

    private static async ValueTask<Stream> OpenAsync(IPEndPoint address, CancellationToken cancellation)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
