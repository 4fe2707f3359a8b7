using System.Net;
using System.Net.Sockets;

namespace ImageClassifier.Web.Access;

/// <summary>The names of this machine on its network.</summary>
internal sealed class OwnNames
{
    private readonly string _name = Dns.GetHostName();
    private readonly Task<string?> _fullName;

    /// <summary>Starts to look up the full name. Without an answer from DNS only the short name counts.</summary>
    public OwnNames() => _fullName = FullNameAsync(_name);

    /// <summary>Whether a host name is one of this machine's.</summary>
    public bool Contains(string host) =>
        IsSame(host, _name) || IsSame(host, $"{_name}.local")
        || (_fullName is { IsCompletedSuccessfully: true, Result: { } full } && IsSame(host, full));

    private static bool IsSame(string one, string other) =>
        string.Equals(one, other, StringComparison.OrdinalIgnoreCase);

    private static async Task<string?> FullNameAsync(string name)
    {
        try
        {
            return (await Dns.GetHostEntryAsync(name)).HostName;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
