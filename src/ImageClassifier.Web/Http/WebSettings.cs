using Akka.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Http;

/// <summary>Where the web tier listens: <c>image-classifier.web</c>.</summary>
/// <param name="Urls">The addresses.</param>
/// <param name="ShutdownTimeout">How long a stopping web tier waits for requests under way.</param>
public sealed record WebSettings(IReadOnlyList<string> Urls, TimeSpan ShutdownTimeout)
{
    /// <summary>Reads the settings.</summary>
    public static WebSettings Create(Config config)
    {
        var web = new SettingsSection(config, "image-classifier.web");
        var urls = web.Text("urls").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (urls.Length == 0 || !urls.All(IsUsable))
            throw web.Invalid("urls", "addresses such as http://127.0.0.1:5000, separated by semicolons");
        return new WebSettings(
            urls, web.Duration("shutdown-timeout", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(25)));
    }

    private static bool IsUsable(string url) =>
        Uri.TryCreate(url.Replace("//*", "//localhost", StringComparison.Ordinal)
            .Replace("//+", "//localhost", StringComparison.Ordinal), UriKind.Absolute, out var uri)
        && uri.Scheme is "http" or "https" && uri.AbsolutePath == "/";
}
