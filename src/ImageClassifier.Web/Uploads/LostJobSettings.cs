using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Uploads;

/// <summary>When a job without a result counts as lost.</summary>
/// <param name="LostAfter">Minimum age of its message, which must also have left the queue.</param>
/// <param name="BatchesASweep">Maximum number of open batches per sweep.</param>
public sealed record LostJobSettings(TimeSpan LostAfter, int BatchesASweep)
{
    // Each batch costs a few calls to the store. The next sweep continues with the others.
    private const int MostBatches = 200;

    /// <summary>Reads <c>image-classifier.results.lost-after</c>. A job can be under way for longer: each receive can
    /// lose its node and then waits for the lease. That time counts where it is the longer one.</summary>
    /// <exception cref="InvalidSettingException">The value is wrong.</exception>
    public static LostJobSettings Create(Config config)
    {
        var age = new SettingsSection(config, "image-classifier.results")
            .Duration("lost-after", TimeSpan.FromSeconds(1), TimeSpan.FromDays(14));
        var requests = QueueSettings.Create(config).Requests;
        var longestUnderWay = requests.Lease * requests.MaxReceiveCount;
        return new LostJobSettings(age > longestUnderWay ? age : longestUnderWay, MostBatches);
    }
}
