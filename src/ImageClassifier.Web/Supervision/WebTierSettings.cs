using Akka.Configuration;
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
    /// <exception cref="ImageClassifier.Core.InvalidSettingException">One is missing or wrong.</exception>
    public static WebTierSettings Create(Config config) => new(
        UploadSettings.Create(config),
        ScalingSettings.Create(config),
        ResultSettings.Create(config),
        QueueSourceSettings.Create(
            new SettingsSection(config, "image-classifier.results.listener"),
            new SettingsSection(config, "image-classifier.queues.responses")),
        EdgeSettings.Create(config),
        AccessSettings.Create(config));
}
