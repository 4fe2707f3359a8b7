using System.Threading.RateLimiting;
using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Access;

/// <summary>Who is let in, and how often: <c>image-classifier.access</c>.</summary>
/// <param name="Keys">The keys; none: everyone is let in.</param>
/// <param name="AllowedOrigins">Sites, besides the service's own, whose pages may connect.</param>
/// <param name="Uploads">Upload requests of one key, or of one address where there are no keys.</param>
/// <param name="Refusals">Calls of one address that have no right key.</param>
public sealed record AccessSettings(
    ApiKeys Keys, IReadOnlyList<Uri> AllowedOrigins, RateLimitSettings Uploads, RateLimitSettings Refusals)
{
    /// <summary>Reads the settings.</summary>
    /// <exception cref="InvalidSettingException">A value is not usable.</exception>
    public static AccessSettings Create(Config config)
    {
        var access = new SettingsSection(config, "image-classifier.access");
        var limits = access.Section("rate-limit");
        return new AccessSettings(
            ApiKeys.Create(access.Section("keys")),
            [.. access.Words("allowed-origins").Select(word => Origin(access, word))],
            RateLimitSettings.Create(limits.Section("uploads")),
            RateLimitSettings.Create(limits.Section("refusals")));
    }

    private static Uri Origin(SettingsSection access, string word) =>
        Uri.TryCreate(word, UriKind.Absolute, out var origin) && origin.Scheme is "http" or "https"
            && origin is { PathAndQuery: "/", Fragment: "", UserInfo: "" }
            ? origin
            : throw access.Invalid(
                "allowed-origins", "addresses such as https://pictures.example, separated by commas");
}

/// <summary>How often something may happen: a bucket of so many tokens, filled up as time goes.</summary>
/// <param name="Burst">Tokens of a full bucket: so many at once, after a quiet while.</param>
/// <param name="Count">Tokens that come back in each period.</param>
/// <param name="Per">The period.</param>
public sealed record RateLimitSettings(int Burst, int Count, TimeSpan Per)
{
    private const int Most = 1_000_000;

    internal static RateLimitSettings Create(SettingsSection limit) => new(
        limit.WholeNumber("burst", 1, Most),
        limit.WholeNumber("count", 1, Most),
        limit.Duration("per", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)));

    /// <summary>The bucket of one key or address.</summary>
    internal RateLimitPartition<string> Partition(string who) =>
        RateLimitPartition.GetTokenBucketLimiter(who, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = Burst,
            TokensPerPeriod = Count,
            ReplenishmentPeriod = Per,
            QueueLimit = 0,
        });
}
