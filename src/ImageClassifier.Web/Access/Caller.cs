using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Access;

/// <summary>Who makes a call.</summary>
/// <param name="Key">The name of the key that came along; null where none is needed.</param>
/// <param name="Address">Where the call comes from; null on a local socket.</param>
internal sealed record Caller(string? Key, IPAddress? Address)
{
    // What one customer of a network gets: whoever has one address of it has them all.
    private const int NetworkBytes = 8;

    /// <summary>Who makes this call.</summary>
    public static Caller Of(HttpContext context) =>
        context.Features.Get<Caller>() ?? new Caller(null, context.Connection.RemoteIpAddress);

    /// <summary>What calls are counted by: the key, and else <see cref="Network"/>.</summary>
    public string CountedBy => Key is null ? Network : $"key {Key}";

    /// <summary>The address; for IPv6 its network of 64 bits, because one machine has as many addresses as it
    /// likes.</summary>
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
