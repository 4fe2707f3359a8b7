using System.Net;
using System.Net.Sockets;

namespace ImageClassifier.Core.Outbound;

/// <summary>Tells which addresses belong to the public internet. Addresses of IANA's special-purpose registries and
/// multicast addresses do not.</summary>
public static class PublicAddresses
{
    // https://www.iana.org/assignments/iana-ipv4-special-registry
    private static readonly IPNetwork[] SpecialIPv4 =
    [
        IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("100.64.0.0/10"),
        IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("172.16.0.0/12"),
        IPNetwork.Parse("192.0.0.0/24"), IPNetwork.Parse("192.0.2.0/24"), IPNetwork.Parse("192.31.196.0/24"),
        IPNetwork.Parse("192.52.193.0/24"), IPNetwork.Parse("192.88.99.0/24"), IPNetwork.Parse("192.168.0.0/16"),
        IPNetwork.Parse("192.175.48.0/24"), IPNetwork.Parse("198.18.0.0/15"), IPNetwork.Parse("198.51.100.0/24"),
        IPNetwork.Parse("203.0.113.0/24"),
        // Multicast, reserved and broadcast.
        IPNetwork.Parse("224.0.0.0/4"), IPNetwork.Parse("240.0.0.0/4"),
        // The platform service of Azure, which has a public address.
        IPNetwork.Parse("168.63.129.16/32"),
    ];

    // Everything else is unassigned or special: loopback, unique local (with the metadata service of EC2 at
    // fd00:ec2::254), link-local, multicast.
    private static readonly IPNetwork GlobalIPv6 = IPNetwork.Parse("2000::/3");

    // https://www.iana.org/assignments/iana-ipv6-special-registry
    private static readonly IPNetwork[] SpecialIPv6 =
    [
        // Protocol assignments, among them Teredo, benchmarking and ORCHID.
        IPNetwork.Parse("2001::/23"),
        IPNetwork.Parse("2001:db8::/32"),
        // 6to4 contains an IPv4 address.
        IPNetwork.Parse("2002::/16"),
        IPNetwork.Parse("2620:4f:8000::/48"), IPNetwork.Parse("3fff::/20"),
    ];

    // NAT64: the last four bytes are the IPv4 address to which a gateway connects.
    private static readonly IPNetwork Translated = IPNetwork.Parse("64:ff9b::/96");
    private const int TranslatedPrefixBytes = 12;

    /// <summary>True if the address belongs to the public internet. An IPv4 address inside an IPv6 address counts
    /// itself.</summary>
    public static bool Contains(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return Contains(address.MapToIPv4());
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return !Array.Exists(SpecialIPv4, network => network.Contains(address));
        if (Translated.Contains(address))
            return Contains(new IPAddress(address.GetAddressBytes().AsSpan(TranslatedPrefixBytes)));
        return GlobalIPv6.Contains(address) && !Array.Exists(SpecialIPv6, network => network.Contains(address));
    }
}
