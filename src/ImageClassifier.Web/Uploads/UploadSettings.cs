using Akka.Configuration;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Uploads;

/// <summary>What may be uploaded, and how jobs get to the request queue: <c>image-classifier.uploads</c>.</summary>
/// <param name="Formats">The accepted picture formats.</param>
/// <param name="MaxRequestSize">Maximum size of a request in bytes.</param>
/// <param name="MaxFileSize">Maximum size of a picture in bytes.</param>
/// <param name="MinRate">Minimum average rate of a request in bytes per second.</param>
/// <param name="MaxFiles">Maximum number of files in a request.</param>
/// <param name="MaxConcurrent">Maximum number of requests that stream into the store at once.</param>
/// <param name="MaxWaiting">Maximum number of requests that wait to stream.</param>
/// <param name="RetryAfter">The <c>Retry-After</c> of a refused request.</param>
/// <param name="AbandonedAfter">Age at which an upload without a manifest is removed.</param>
/// <param name="SweepInterval">Time between sweeps.</param>
/// <param name="Outbox">How messages are sent.</param>
public sealed record UploadSettings(
    AllowedFormats Formats,
    long MaxRequestSize,
    long MaxFileSize,
    double MinRate,
    int MaxFiles,
    int MaxConcurrent,
    int MaxWaiting,
    TimeSpan RetryAfter,
    TimeSpan AbandonedAfter,
    TimeSpan SweepInterval,
    OutboxSettings Outbox)
{
    /// <summary>Reads the settings.</summary>
    public static UploadSettings Create(Config config)
    {
        var uploads = new SettingsSection(config, "image-classifier.uploads");
        return new UploadSettings(
            Formats: ReadFormats(uploads),
            MaxRequestSize: uploads.Bytes("max-request-size", 1 << 10, 1L << 40),
            MaxFileSize: uploads.Bytes("max-file-size", 1 << 10, 1 << 30),
            MinRate: uploads.Bytes("min-rate", 1, 1 << 30),
            MaxFiles: uploads.WholeNumber("max-files", 1, 100_000),
            MaxConcurrent: uploads.WholeNumber("max-concurrent", 1, 10_000),
            MaxWaiting: uploads.WholeNumber("max-waiting", 0, 10_000),
            RetryAfter: uploads.Duration("retry-after", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            AbandonedAfter: uploads.Duration("abandoned-after", TimeSpan.FromMinutes(1), TimeSpan.FromDays(7)),
            SweepInterval: uploads.Duration("sweep-interval", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            Outbox: OutboxSettings.Create(uploads.Section("outbox")));
    }

    private static AllowedFormats ReadFormats(SettingsSection uploads)
    {
        const string key = "formats";
        var known = Enum.GetValues<PictureFormat>()
            .ToDictionary(format => PictureFormats.Name(format).ToLowerInvariant());
        var words = uploads.Words(key);
        return words.Count > 0 && words.All(known.ContainsKey)
            ? new AllowedFormats([.. words.Select(word => known[word])])
            : throw uploads.Invalid(key, $"one or more of {string.Join(", ", known.Keys)}, separated by commas");
    }
}

/// <summary>How accepted jobs are sent to the request queue: <c>image-classifier.uploads.outbox</c>.</summary>
/// <param name="Parallelism">Maximum number of concurrent calls to the queue.</param>
/// <param name="MaxInMemory">Maximum number of messages in memory. Further batches are read from the store
/// later.</param>
/// <param name="MinBackoff">First pause after the queue did not accept messages.</param>
/// <param name="MaxBackoff">Longest such pause.</param>
public sealed record OutboxSettings(int Parallelism, int MaxInMemory, TimeSpan MinBackoff, TimeSpan MaxBackoff)
{
    internal static OutboxSettings Create(SettingsSection outbox)
    {
        var minBackoff = outbox.Duration("min-backoff", TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1));
        return new OutboxSettings(
            Parallelism: outbox.WholeNumber("parallelism", 1, 64),
            MaxInMemory: outbox.WholeNumber("max-in-memory", 10, 1_000_000),
            MinBackoff: minBackoff,
            MaxBackoff: outbox.Duration("max-backoff", minBackoff, TimeSpan.FromMinutes(10)));
    }
}
