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
        CheckLostAfter(config, results.Lost.LostAfter);
        return new WebTierSettings(
            UploadSettings.Create(config),
            ScalingSettings.Create(config),
            results,
            QueueSourceSettings.Create(
                new SettingsSection(config, "image-classifier.results.listener"),
                new SettingsSection(config, "image-classifier.queues.responses")),
            EdgeSettings.Create(config),
            AccessSettings.Create(config));
    }

    /// <summary>A job whose nodes die one after the other is under way all the while.</summary>
    private static void CheckLostAfter(Config config, TimeSpan lostAfter)
    {
        var queue = new SettingsSection(config, "image-classifier.queues.requests");
        var lease = queue.Duration("lease", TimeSpan.FromSeconds(1), TimeSpan.FromHours(12));
        var longest = lease * (queue.WholeNumber("max-receives", 1, 1000) + 1);
        if (lostAfter > longest) return;
        var section = new SettingsSection(config, "image-classifier.results");
        throw new InvalidSettingException(
            section.FullKey(LostJobSettings.LostAfterKey), section.Text(LostJobSettings.LostAfterKey),
            $"a job can be under way for {longest}, its lease for each receive, and it must be longer than that");
    }
}
