using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Access;

/// <summary>The caller of a request.</summary>
/// <param name="Key">The name of the key; null if none is needed.</param>
/// <param name="Address">The caller's address; null on a local socket.</param>
internal sealed record Caller(string? Key, IPAddress? Address)
{
    // A customer of a provider gets a network of 64 bits, and can use all its addresses.
    private const int NetworkBytes = 8;

    /// <summary>The caller of this request.</summary>
    public static Caller Of(HttpContext context) =>
        context.Features.Get<Caller>() ?? new Caller(null, context.Connection.RemoteIpAddress);

    /// <summary>The partition for rate limits: the key, or else the <see cref="Network"/>.</summary>
    public string CountedBy => Key is null ? Network : $"key {Key}";

    /// <summary>The address. For IPv6 the 64-bit network, because one machine can have many addresses in it.</summary>
    public string Network
    {
        get
        {
            if (Address is null) return "local";
            if (Address.IsIPv4MappedToIPv6) return Address.MapToIPv4().ToString();
            if (Address.AddressFamily != AddressFamily.InterNetworkV6) return Address.ToString();
            var bytes = Address.GetAddressBytes();
            Array.Clear(bytes, NetworkBytes, bytes.Length - NetworkBytes);
            return new IPAddress(bytes).ToString();
        }
    }
}
