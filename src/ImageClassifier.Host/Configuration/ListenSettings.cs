using System.Net;
using System.Net.Sockets;
using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Configuration;

/// <summary>The addresses of the web tier, and its time to stop.</summary>
/// <param name="Urls">One or more addresses, such as <c>http://127.0.0.1:5000</c>; port 0 chooses a free port.</param>
/// <param name="ShutdownTimeout">The time that a stopping web tier gives to running requests.</param>
public sealed record ListenSettings(IReadOnlyList<string> Urls, TimeSpan ShutdownTimeout)
{
    /// <summary>The setting of the option <c>--urls</c>.</summary>
    public const string UrlsKey = "image-classifier.web.urls";

    // Requests, their clean-up and the responses in hand all end within ActorSystemHosting.WebStop.
    private static readonly TimeSpan LongestRequestAtStop = TimeSpan.FromSeconds(10);

    private const string Localhost = "localhost";

    private const string Allowed =
        "addresses of this machine such as http://127.0.0.1:5000, http://localhost:5000 and http://[::1]:5000, or "
        + "http://*:5000 for every interface, separated by semicolons";

    /// <summary>True if only this machine can reach the addresses.</summary>
    public bool IsLoopbackOnly => Urls.Select(BindingAddress.Parse).All(address =>
        address.IsUnixPipe || IsLocalhost(address.Host)
        || (IPAddress.TryParse(address.Host, out var host) && IPAddress.IsLoopback(host)));

    /// <summary>Reads <c>image-classifier.web.urls</c>.</summary>
    /// <exception cref="InvalidSettingException">A value is wrong.</exception>
    public static ListenSettings Create(Config config)
    {
        var section = new SettingsSection(config, "image-classifier.web");
        return new ListenSettings(UrlsOf(section.Text("urls")), LongestRequestAtStop);
    }

    private static string[] UrlsOf(string text)
    {
        var urls = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (urls.Length == 0) throw new InvalidSettingException(UrlsKey, text, $"allowed are {Allowed}");
        foreach (var url in urls)
        {
            // The text before an @ may be a password.
            if (Fault(url) is { } fault) throw new InvalidSettingException(UrlsKey, url.Contains('@') ? null : text, fault);
        }

        return urls;
    }

    /// <summary>The error in an address, as a clause; null if there is none.</summary>
    private static string? Fault(string url)
    {
        if (url.Contains('@')) return $"an address has a user or a password, which it cannot have; allowed are {Allowed}";
        if (url.Contains(',')) return $"{url} has a comma; several addresses are separated by semicolons";
        BindingAddress address;
        try
        {
            // Kestrel's own parser accepts more than a URI: http://*:5000, http://unix:/path.
            address = BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            return $"{url} is no address; allowed are {Allowed}";
        }

        if (address.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase))
            return $"{url}: the service has no certificate and speaks http; a proxy before it can speak https";
        if (!address.Scheme.Equals("http", StringComparison.OrdinalIgnoreCase))
            return $"{url} does not begin with http://; allowed are {Allowed}";
        if (address.IsUnixPipe) return null;
        if (address.PathBase.Length > 0) return $"{url} has a path, and the service is always at the top";
        return address.Port is < 0 or > 65535 ? $"{url} has no port from 0 to 65535" : HostFault(url, address.Host);
    }

    // Kestrel listens on every interface if it does not know the host. A misspelt host would open the service to
    // everyone.
    private static string? HostFault(string url, string host)
    {
        if (host is "*" or "+" || IsLocalhost(host)) return null;
        if (host.Contains(':') && !host.StartsWith('['))
        {
            return IPAddress.TryParse(host, out _)
                ? $"{url} has an address of IPv6 without brackets; write [{host}]"
                : $"{url} has no port from 0 to 65535";
        }

        if (IPAddress.TryParse(host, out var address))
        {
            // The parser accepts "5000" and "0" as addresses in a notation that nobody means.
            return address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == host
                ? null
                : $"{url} has the host {host}, which means {address}; write that, if it is meant";
        }

        return Spelling.Nearest(host.ToLowerInvariant(), [Localhost, "127.0.0.1", "0.0.0.0"], limit: 3) is { } meant
            ? $"{url} has the host {host}, did you mean {meant}? Allowed are {Allowed}"
            : $"{url} has the host {host}; allowed are {Allowed}";
    }

    private static bool IsLocalhost(string host) => string.Equals(host, Localhost, StringComparison.OrdinalIgnoreCase);
}
