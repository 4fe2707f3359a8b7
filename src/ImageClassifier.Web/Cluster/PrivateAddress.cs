using System.Net;

namespace ImageClassifier.Web.Cluster;

/// <summary>Tells addresses that the internet cannot reach from all others.</summary>
internal static class PrivateAddress
{
    /// <summary>The rule, for messages.</summary>
    public const string Rule =
        "127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 169.254.0.0/16, ::1, fe80::/10 or "
        + "fc00::/7";

    private static readonly IPNetwork[] Networks =
    [
        // Loopback.
        IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128"),
        // RFC 1918, private networks.
        IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"),
        // RFC 6598, behind a provider's NAT. VPNs and container networks use it.
        IPNetwork.Parse("100.64.0.0/10"),
        // Link-local.
        IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("fe80::/10"),
        // RFC 4193, unique local.
        IPNetwork.Parse("fc00::/7"),
    ];

    public static bool Is(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return Networks.Any(network => network.Contains(plain));
    }
}
