using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>Ports of this machine that nobody uses.</summary>
internal static class FreePort
{
    // Below the ports of outgoing connections, so that none of them takes the port meanwhile.
    private const int First = 20000;
    private const int Count = 10000;

    /// <summary>A port of loopback that is free now.</summary>
    public static int Next()
    {
        while (true)
        {
            var port = First + Random.Shared.Next(Count);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
            }
        }
    }

    /// <summary>An HTTP address on loopback whose port is free now.</summary>
    public static Uri Address() => new($"http://127.0.0.1:{Next()}");

    /// <summary>True if a program listens at an address.</summary>
    public static bool IsTaken(Uri address) => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners()
        .Any(listener => listener.Port == address.Port);
}
