using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Scaling;
using ImageClassifier.Web.Uploads;

namespace ImageClassifier.Web.Supervision;

/// <summary>All settings of the web tier.</summary>
public sealed record WebTierSettings(
    UploadSettings Uploads,
    ScalingSettings Scaling,
    ResultSettings Results,
    QueueSourceSettings Listening,
    EdgeSettings Edge,
    AccessSettings Access)
{
    /// <summary>Reads the settings.</summary>
    /// <exception cref="InvalidSettingException">A setting is missing or invalid.</exception>
    public static WebTierSettings Create(Config config)
    {
        var results = ResultSettings.Create(config);
        var queues = QueueSettings.Create(config);
        var lost = results.Lost with { LostAfter = Max(results.Lost.LostAfter, LongestUnderWay(queues.Requests)) };
        return new WebTierSettings(
            UploadSettings.Create(config),
            ScalingSettings.Create(config),
            results with { Lost = lost },
            QueueSourceSettings.Create(
                new SettingsSection(config, "image-classifier.results.listener"), queues.Responses),
            EdgeSettings.Create(config),
            AccessSettings.Create(config));
    }

    /// <summary>The longest time that a job can take: each receive can lose its node and then waits for the
    /// lease.</summary>
    private static TimeSpan LongestUnderWay(QueueLeaseSettings requests) =>
        requests.Lease * requests.MaxReceiveCount;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
