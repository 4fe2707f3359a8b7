using System.Net;
using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Edge;

/// <summary>The HTTP server's settings: parts of <c>image-classifier.web</c>.</summary>
/// <param name="MaxConnections">Maximum number of connections.</param>
/// <param name="TrustedProxies">The proxies whose <c>X-Forwarded</c> headers are trusted.</param>
public sealed record EdgeSettings(int MaxConnections, IReadOnlyList<IPNetwork> TrustedProxies)
{
    /// <summary>Reads the settings.</summary>
    /// <exception cref="InvalidSettingException">A value is invalid.</exception>
    public static EdgeSettings Create(Config config)
    {
        var web = new SettingsSection(config, "image-classifier.web");
        return new EdgeSettings(
            web.WholeNumber("max-connections", 1, 1_000_000),
            web.Networks("trusted-proxies"));
    }
}
