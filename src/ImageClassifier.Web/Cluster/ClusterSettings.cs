using System.Net;
using System.Net.Sockets;
using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Cluster;

/// <summary>How this web node finds and reaches other web nodes.</summary>
/// <param name="IsEnabled">Whether this node is one of several.</param>
/// <param name="Host">The private address that remoting listens on; null: EC2 knows it.</param>
/// <param name="Port">The port of remoting.</param>
/// <param name="Seeds">The nodes to join. The first one may form a new cluster. Empty with discovery.</param>
/// <param name="FindsNodesOnEc2">Whether nodes find each other by a tag on EC2.</param>
/// <param name="Certificate">The file of this node's certificate, or its PEM text; null: no TLS.</param>
/// <param name="CertificateKey">The file of the certificate's key, or its PEM text.</param>
public sealed record ClusterSettings(
    bool IsEnabled,
    IPAddress? Host,
    int Port,
    IReadOnlyList<IPEndPoint> Seeds,
    bool FindsNodesOnEc2,
    string? Certificate,
    string? CertificateKey)
{
    /// <summary>Where these settings are.</summary>
    public const string Section = "image-classifier.web.cluster";

    private const string Ec2 = "ec2";

    /// <summary>Reads the settings. The certificate is not looked at: an app node reads the same settings, and does not
    /// get the key.</summary>
    /// <exception cref="InvalidSettingException">A setting is wrong, or two contradict each other.</exception>
    public static ClusterSettings Create(Config config)
    {
        var section = new SettingsSection(config, Section);
        var settings = new ClusterSettings(
            section.OneOf("enabled", "on", "off", "true", "false") is "on" or "true",
            HostOf(section),
            section.WholeNumber("port", 1, 65535),
            [.. section.Words("seeds").Select(seed => SeedOf(section, seed))],
            IsOnEc2(section),
            FileOf(section, "certificate"),
            FileOf(section, "certificate-key"));
        if (settings.IsEnabled) settings.Check(section);
        return settings;
    }

    /// <summary>These settings with the address that EC2 gave this machine.</summary>
    /// <exception cref="InvalidSettingException">The address is public.</exception>
    public ClusterSettings At(IPAddress host) =>
        HostFault(host) is { } fault
            ? throw new InvalidSettingException($"{Section}.host", host.ToString(), fault)
            : this with { Host = host };

    private void Check(SettingsSection section)
    {
        if (FindsNodesOnEc2 && Seeds.Count > 0)
            throw section.Invalid("seeds", "empty where discovery is set: nodes are found one way or the other");
        if (!FindsNodesOnEc2 && Seeds.Count == 0)
            throw section.Invalid("seeds", "host:port of each web node, separated by commas, or discovery = ec2");
        if (!FindsNodesOnEc2 && Host is null)
            throw section.Invalid("host", "the private address of this machine at which other web nodes reach it");
        if (Seeds.Distinct().Count() != Seeds.Count)
            throw section.Invalid("seeds", "each web node once");
    }

    private static IPAddress? HostOf(SettingsSection section)
    {
        var text = section.Text("host");
        if (text.Length == 0) return null;
        // IPAddress also reads "5000", in a notation that nobody means.
        if (!IPAddress.TryParse(text, out var host)
            || (host.AddressFamily == AddressFamily.InterNetwork && host.ToString() != text))
        {
            throw section.Invalid("host",
                "an address such as 10.0.1.5; a name is refused, because it can come to mean a public address");
        }

        return HostFault(host) is { } fault ? throw section.Invalid("host", fault) : host;
    }

    private static string? HostFault(IPAddress host)
    {
        if (host.Equals(IPAddress.Any) || host.Equals(IPAddress.IPv6Any))
            return "one private address of this machine; this one stands for every interface, public ones too";
        // Remoting has no password: who reaches it can send actors any message.
        return PrivateAddress.Is(host)
            ? null
            : $"a private address: {PrivateAddress.Rule}. Anyone who reaches it could command this node";
    }

    private static IPEndPoint SeedOf(SettingsSection section, string text)
    {
        const string Allowed = "host:port, such as 10.0.1.5:2551, separated by commas, each host a private address";
        if (!IPEndPoint.TryParse(text, out var seed) || seed.Port == 0
            || (seed.AddressFamily == AddressFamily.InterNetwork && seed.ToString() != text))
        {
            throw section.Invalid("seeds", Allowed);
        }

        return HostFault(seed.Address) is null ? seed : throw section.Invalid("seeds", Allowed);
    }

    private static bool IsOnEc2(SettingsSection section) => section.Text("discovery") switch
    {
        "" => false,
        Ec2 => true,
        _ => throw section.Invalid("discovery", "ec2, or empty"),
    };

    private static string? FileOf(SettingsSection section, string key) =>
        section.Text(key) is { Length: > 0 } path ? path : null;
}
