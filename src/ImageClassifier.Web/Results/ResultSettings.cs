using Akka.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Results;

/// <summary>How results reach clients: <c>image-classifier.results</c>.</summary>
/// <param name="MaxLiveJobs">Jobs of batches that are in memory at once.</param>
/// <param name="PassivateAfter">After this time without a question a batch leaves memory.</param>
/// <param name="MaxWaitingRequests">Requests that wait for their result at once.</param>
/// <param name="WaitLimit">How long such a request waits.</param>
/// <param name="MaxReads">Batches and pictures that are read at once.</param>
/// <param name="MaxSubscribers">WebSockets and event streams at once.</param>
/// <param name="Heartbeat">A subscriber hears from the server at least this often.</param>
/// <param name="SendTimeout">A subscriber that does not take a message within this time is cut off.</param>
/// <param name="ListenerLinger">How long deletes of responses wait for others to share their call.</param>
/// <param name="Lost">When a job without a result is lost.</param>
public sealed record ResultSettings(
    int MaxLiveJobs,
    TimeSpan PassivateAfter,
    int MaxWaitingRequests,
    TimeSpan WaitLimit,
    int MaxReads,
    int MaxSubscribers,
    TimeSpan Heartbeat,
    TimeSpan SendTimeout,
    TimeSpan ListenerLinger,
    LostJobSettings Lost)
{
    /// <summary>Reads the settings.</summary>
    public static ResultSettings Create(Config config)
    {
        var results = new SettingsSection(config, "image-classifier.results");
        var second = TimeSpan.FromSeconds(1);
        return new ResultSettings(
            MaxLiveJobs: results.WholeNumber("max-live-jobs", 1, 100_000_000),
            PassivateAfter: results.Duration("passivate-after", second, TimeSpan.FromDays(1)),
            MaxWaitingRequests: results.WholeNumber("max-waiting-requests", 1, 100_000),
            WaitLimit: results.Duration("wait-limit", second, TimeSpan.FromHours(1)),
            MaxReads: results.WholeNumber("max-reads", 1, 1_000_000),
            MaxSubscribers: results.WholeNumber("max-subscribers", 1, 1_000_000),
            Heartbeat: results.Duration("heartbeat", second, TimeSpan.FromMinutes(5)),
            SendTimeout: results.Duration("send-timeout", second, TimeSpan.FromMinutes(5)),
            ListenerLinger: results.Section("listener").Duration(
                "linger", TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1)),
            Lost: new LostJobSettings(
                results.Duration("lost-after", second, TimeSpan.FromDays(14)),
                results.WholeNumber("open-batches-a-sweep", 1, 100_000)));
    }
}

/// <summary>When a job without a result is lost.</summary>
/// <param name="LostAfter">Its message is this old, and is known to be on the queue no more.</param>
/// <param name="BatchesASweep">Open batches that are looked into at once.</param>
public sealed record LostJobSettings(TimeSpan LostAfter, int BatchesASweep);
