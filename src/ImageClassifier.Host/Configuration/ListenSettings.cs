using System.Net;
using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Configuration;

/// <summary>Where the web tier listens, and how it stops.</summary>
/// <param name="Urls">One or more addresses, such as <c>http://127.0.0.1:5000</c>; port 0 takes a free one.</param>
/// <param name="ShutdownTimeout">How long a stopping web tier waits for requests under way.</param>
public sealed record ListenSettings(IReadOnlyList<string> Urls, TimeSpan ShutdownTimeout)
{
    /// <summary>The setting that <c>--urls</c> gives.</summary>
    public const string UrlsKey = "image-classifier.web.urls";

    /// <summary>Whether only this machine reaches the addresses.</summary>
    public bool IsLoopbackOnly => Urls.Select(BindingAddress.Parse).All(address =>
        address.IsUnixPipe || address.Host == "localhost"
        || (IPAddress.TryParse(address.Host, out var host) && IPAddress.IsLoopback(host)));

    /// <summary>Reads <c>image-classifier.web</c>.</summary>
    /// <exception cref="InvalidSettingException">A value is not usable.</exception>
    public static ListenSettings Create(Config config)
    {
        var section = new SettingsSection(config, "image-classifier.web");
        return new ListenSettings(
            UrlsOf(section.Text("urls")),
            // With what comes after it, within ActorSystemHosting.WebStop.
            section.Duration("shutdown-timeout", TimeSpan.Zero, TimeSpan.FromSeconds(15)));
    }

    private static string[] UrlsOf(string text)
    {
        var urls = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return urls.Length > 0 && urls.All(IsAddress)
            ? urls
            : throw new InvalidSettingException(
                UrlsKey, text, "allowed are addresses such as http://127.0.0.1:5000, separated by semicolons");
    }

    private static bool IsAddress(string url)
    {
        try
        {
            // Kestrel's own reading, which knows more than a URI: http://*:5000, http://unix:/path.
            var address = BindingAddress.Parse(url);
            // What it takes for a host may hold a port that is no number.
            var isHost = !address.Host.Contains(':') || address.Host.StartsWith('[') || address.IsUnixPipe;
            return isHost && (address.Scheme is "http" or "https") && address.Port is >= 0 and <= 65535
                && address.PathBase.Length == 0;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
