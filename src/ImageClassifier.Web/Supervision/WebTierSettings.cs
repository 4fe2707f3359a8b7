using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Http;
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
    /// <exception cref="InvalidSettingException">One is missing or wrong.</exception>
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

    /// <summary>A job whose nodes die one after the other is under way for a lease for each receive.</summary>
    private static TimeSpan LongestUnderWay(QueueLeaseSettings requests) =>
        requests.Lease * requests.MaxReceiveCount;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
