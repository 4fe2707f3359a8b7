using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>Hosts with their own network on this machine: network namespaces on one bridge. The line of each host can
/// be cut.</summary>
internal sealed class SplittableNetwork : IDisposable
{
    // A network that no other test, and probably no machine, uses. On Linux a name of an interface has at most 15
    // characters.
    private const string Prefix = "10.213.57.";
    private const string Bridge = "ic-test-bridge";

    private readonly int _hosts;

    private SplittableNetwork(int hosts) => _hosts = hosts;

    /// <summary>Creates the hosts. Null if this user may not.</summary>
    /// <returns>Null where this is not allowed.</returns>
    public static SplittableNetwork? TryCreate(int hosts)
    {
        var network = new SplittableNetwork(hosts);
        network.Dispose();
        try
        {
            Run("link", "add", Bridge, "type", "bridge");
            Run("address", "add", $"{Prefix}1/24", "dev", Bridge);
            Run("link", "set", Bridge, "up");
            for (var host = 0; host < hosts; host++)
            {
                Run("netns", "add", Namespace(host));
                Run("link", "add", Line(host), "type", "veth", "peer", "name", "eth0", "netns", Namespace(host));
                Run("link", "set", Line(host), "master", Bridge, "up");
                Run("-n", Namespace(host), "address", "add", $"{AddressOf(host)}/24", "dev", "eth0");
                Run("-n", Namespace(host), "link", "set", "eth0", "up");
                Run("-n", Namespace(host), "link", "set", "lo", "up");
            }

            return network;
        }
        catch (Exception failure) when (failure is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            network.Dispose();
            return null;
        }
    }

    /// <summary>The address of a host, for other hosts and for this process.</summary>
    public static IPAddress AddressOf(int host) =>
        IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"{Prefix}{host + 11}"));

    /// <summary>The command that runs a program on a host, before the program's name.</summary>
    public static IReadOnlyList<string> On(int host) => ["ip", "netns", "exec", Namespace(host)];

    /// <summary>Cuts the line of a host.</summary>
    public static void Cut(int host) => Run("link", "set", Line(host), "down");

    /// <summary>Restores the line of a host.</summary>
    public static void Mend(int host) => Run("link", "set", Line(host), "up");

    public void Dispose()
    {
        for (var host = 0; host < _hosts; host++) TryRun("netns", "del", Namespace(host));
        TryRun("link", "del", Bridge);
    }

    private static string Namespace(int host) => string.Create(CultureInfo.InvariantCulture, $"ic-test-{host}");

    private static string Line(int host) => string.Create(CultureInfo.InvariantCulture, $"ic-test-line{host}");

    private static void Run(params string[] arguments)
    {
        if (!TryRun(arguments)) throw new InvalidOperationException($"ip {string.Join(' ', arguments)} failed.");
    }

    private static bool TryRun(params string[] arguments)
    {
        try
        {
            using var ip = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
            ip.StandardError.ReadToEnd();
            ip.WaitForExit();
            return ip.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
