using System.Net;

namespace ImageClassifier.Core.Outbound;

/// <summary>The addresses to which the service connects when a client names the address.</summary>
/// <param name="allowed">Networks that are allowed although they are not public, also without TLS.</param>
public sealed class AddressRules(IReadOnlyList<IPNetwork> allowed)
{
    /// <summary>Whether an address without TLS can be allowed at all.</summary>
    public bool AllowsPlainHttp => allowed.Count > 0;

    /// <summary>Whether the service may connect to an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="isEncrypted">True for https; false for http.</param>
    public bool Allow(IPAddress address, bool isEncrypted)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return allowed.Any(network => network.Contains(plain)) || (isEncrypted && PublicAddresses.Contains(plain));
    }
}
