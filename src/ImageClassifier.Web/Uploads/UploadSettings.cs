using Akka.Configuration;
using ImageClassifier.Core.Intake;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.Repeats;

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
/// <param name="AbandonedAfter">Age of its marker at which an upload without a manifest is removed.</param>
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
    /// <summary>Whose earlier uploads can answer a picture.</summary>
    public RepeatSharing Repeats { get; init; }

    // A client that trickles holds a place of max-concurrent. A slow mobile network is faster than this.
    private const double SlowestUpload = 8 << 10;

    // Uploads end within seconds, so places are free by then.
    private static readonly TimeSpan ComeBackAfter = TimeSpan.FromSeconds(2);

    // Only the manifest of a killed web tier's upload is missing so long. Its pictures are small change until then.
    private static readonly TimeSpan LongestUnfinished = TimeSpan.FromMinutes(15);

    // A sweep lists the open batches, which is a paid call. What it repairs is rare.
    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromMinutes(1);

    /// <summary>Reads the settings.</summary>
    public static UploadSettings Create(Config config)
    {
        var uploads = new SettingsSection(config, "image-classifier.uploads");
        var intake = IntakeSettings.Create(config);
        var maxConcurrent = uploads.WholeNumber("max-concurrent", 1, 10_000);
        return new UploadSettings(
            Formats: intake.Formats,
            MaxRequestSize: uploads.Bytes("max-request-size", 1 << 10, 1L << 40),
            MaxFileSize: intake.MaxFileSize,
            MinRate: SlowestUpload,
            MaxFiles: uploads.WholeNumber("max-files", 1, 100_000),
            MaxConcurrent: maxConcurrent,
            // As many wait as are under way: each waits for about one upload.
            MaxWaiting: maxConcurrent,
            RetryAfter: ComeBackAfter,
            AbandonedAfter: LongestUnfinished,
            SweepInterval: BetweenSweeps,
            Outbox: OutboxSettings.Default)
        {
            Repeats = uploads.OneOf("repeats", "off", "own-key", "all-keys") switch
            {
                "off" => RepeatSharing.Off,
                "own-key" => RepeatSharing.OwnKey,
                _ => RepeatSharing.AllKeys,
            },
        };
    }
}

/// <summary>How accepted jobs are sent to the request queue.</summary>
/// <param name="Parallelism">Maximum number of concurrent calls to the queue.</param>
/// <param name="MaxInMemory">Maximum number of messages in memory. Further batches are read from the store
/// later.</param>
/// <param name="MinBackoff">First pause after the queue did not accept messages.</param>
/// <param name="MaxBackoff">Longest such pause.</param>
public sealed record OutboxSettings(int Parallelism, int MaxInMemory, TimeSpan MinBackoff, TimeSpan MaxBackoff)
{
    /// <summary>The constants of the program.</summary>
    // Two calls of ten keep the queue busy while the next ten gather. 10,000 messages are some 5 MB, and at most 50 MB if all
    // have long references.
    // An upload is accepted before its jobs are sent, so a queue that is back must be used soon.
    public static OutboxSettings Default { get; } = new(
        Parallelism: 2,
        MaxInMemory: 10_000,
        MinBackoff: TimeSpan.FromMilliseconds(500),
        MaxBackoff: TimeSpan.FromSeconds(5));
}
