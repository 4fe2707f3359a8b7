using Akka.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Results;

/// <summary>How results reach clients: <c>image-classifier.results</c>.</summary>
/// <param name="MaxLiveJobs">Maximum number of jobs of batches in memory.</param>
/// <param name="PassivateAfter">Time without a command after which a batch leaves memory.</param>
/// <param name="MaxWaitingRequests">Maximum number of requests that wait for their result.</param>
/// <param name="WaitLimit">How long such a request waits.</param>
/// <param name="MaxReads">Maximum number of concurrent reads of batches and pictures.</param>
/// <param name="MaxSubscribers">Maximum number of WebSockets and event streams.</param>
/// <param name="Heartbeat">Longest silence of the server towards a subscriber.</param>
/// <param name="SendTimeout">Time-out of one message to a subscriber, which is then disconnected.</param>
/// <param name="ListenerLinger">How long a delete of a response waits for others to share its call.</param>
/// <param name="Lost">When a job without a result counts as lost.</param>
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

/// <summary>When a job without a result counts as lost.</summary>
/// <param name="LostAfter">Minimum age of its message, which must also have left the queue.</param>
/// <param name="BatchesASweep">Maximum number of open batches per sweep.</param>
public sealed record LostJobSettings(TimeSpan LostAfter, int BatchesASweep);
