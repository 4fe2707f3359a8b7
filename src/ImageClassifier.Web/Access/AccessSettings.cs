using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Access;

/// <summary>Who may call, and how often: <c>image-classifier.access</c>.</summary>
/// <param name="Keys">The keys; if there are none, everyone may call.</param>
/// <param name="AllowedOrigins">Other sites whose pages may call.</param>
/// <param name="Uploads">Limit of uploads per key, or per address if there are no keys.</param>
/// <param name="Refusals">Limit of calls without a right key per address.</param>
public sealed record AccessSettings(
    ApiKeys Keys, IReadOnlyList<Uri> AllowedOrigins, RateLimitSettings Uploads, RateLimitSettings Refusals)
{
    // A person who mistypes a key stays below it, and a script that guesses keys cannot fill the log.
    private static readonly RateLimitSettings RefusalLimit = new(Burst: 60, Count: 60, Per: TimeSpan.FromMinutes(1));

    /// <summary>Reads the settings.</summary>
    /// <exception cref="InvalidSettingException">A value is invalid.</exception>
    public static AccessSettings Create(Config config)
    {
        var access = new SettingsSection(config, "image-classifier.access");
        var limits = access.Section("rate-limit");
        return new AccessSettings(
            ApiKeys.Create(access.Section("keys")),
            [.. access.Words("allowed-origins").Select(word => Origin(access, word))],
            RateLimitSettings.Create(limits.Section("uploads")),
            RefusalLimit);
    }

    private static Uri Origin(SettingsSection access, string word) =>
        Uri.TryCreate(word, UriKind.Absolute, out var origin) && origin.Scheme is "http" or "https"
            && origin is { PathAndQuery: "/", Fragment: "", UserInfo: "" }
            ? origin
            : throw access.Invalid(
                "allowed-origins", "addresses such as https://pictures.example, separated by commas");
}

/// <summary>A rate limit: a token bucket.</summary>
/// <param name="Burst">Tokens in a full bucket: the most that may happen at once.</param>
/// <param name="Count">Tokens that are added in each period.</param>
/// <param name="Per">The period.</param>
public sealed record RateLimitSettings(int Burst, int Count, TimeSpan Per)
{
    private const int Most = 1_000_000;

    /// <summary>A limit whose full bucket has as many tokens as a period adds.</summary>
    internal static RateLimitSettings Create(SettingsSection limit)
    {
        var count = limit.WholeNumber("count", 1, Most);
        return new RateLimitSettings(count, count, limit.Duration("per", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)));
    }
}
