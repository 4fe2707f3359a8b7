using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Models;
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
    AccessSettings Access,
    LostJobSettings Lost,
    ClusterSettings Cluster,
    CallbackSettings Callbacks,
    ReferenceSettings References)
{
    /// <summary>What the host knows about models on its machine.</summary>
    public KnownModels Models { get; init; } = new(OfSetting: null, BuiltInSha256: null);

    /// <summary>Reads the settings.</summary>
    /// <exception cref="InvalidSettingException">A setting is missing or invalid.</exception>
    public static WebTierSettings Create(Config config) => new(
        UploadSettings.Create(config),
        ScalingSettings.Create(config),
        ResultSettings.Create(config),
        ListenerSettings.Create(config),
        EdgeSettings.Create(config),
        AccessSettings.Create(config),
        LostJobSettings.Create(config),
        ClusterSettings.Create(config),
        CallbackSettings.Create(config),
        ReferenceSettings.Create(config));
}
