using System.Net;
using System.Net.Sockets;

namespace ImageClassifier.Web.Access;

/// <summary>The names of this machine on its network.</summary>
internal sealed class OwnNames
{
    private readonly string _name = Dns.GetHostName();
    private readonly Task<string?> _fullName;

    /// <summary>Begins to look the full name up. Without an answer from DNS the machine has only its short
    /// one.</summary>
    public OwnNames() => _fullName = FullNameAsync(_name);

    /// <summary>Whether a name is one of them.</summary>
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
