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
public sealed record ResultSettings(
    int MaxLiveJobs,
    TimeSpan PassivateAfter,
    int MaxWaitingRequests,
    TimeSpan WaitLimit,
    int MaxReads,
    int MaxSubscribers,
    TimeSpan Heartbeat,
    TimeSpan SendTimeout,
    TimeSpan ListenerLinger)
{
    /// <summary>The shortest time from the end of a web node's call with results of a batch to its next one, and between two
    /// answers to the readers that wait for events of a batch. Nobody sees a delay of this length, and a result that arrives
    /// alone has none. Without the pace, three web nodes need about a third more CPU time while many results arrive.</summary>
    public static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    // A client that reconnects at once finds its batch in memory. To read a batch anew costs a call to the store for each
    // picture, but a busy tier that keeps each batch for minutes keeps thousands of results.
    private static readonly TimeSpan LongestIdle = TimeSpan.FromSeconds(30);

    // A read holds an open file or a connection to S3. The default limits of both are above this.
    private const int MostReads = 2000;

    // Proxies and load balancers close a silent connection after 30 s at the earliest.
    private static readonly TimeSpan LongestServerSilence = TimeSpan.FromSeconds(15);

    // A slow mobile network takes a page of events within seconds. A subscriber that is cut off can resume.
    private static readonly TimeSpan LongestSend = TimeSpan.FromSeconds(20);

    // Nothing waits for a delete. On AWS each call is paid for, and one call takes ten.
    private static readonly TimeSpan PaidLinger = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LocalLinger = TimeSpan.FromMilliseconds(5);

    /// <summary>Reads the settings.</summary>
    public static ResultSettings Create(Config config)
    {
        var results = new SettingsSection(config, "image-classifier.results");
        return new ResultSettings(
            MaxLiveJobs: results.WholeNumber("max-live-jobs", 1, 100_000_000),
            PassivateAfter: LongestIdle,
            MaxWaitingRequests: results.WholeNumber("max-waiting-requests", 1, 100_000),
            WaitLimit: results.Duration("wait-limit", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            MaxReads: MostReads,
            MaxSubscribers: results.WholeNumber("max-subscribers", 1, 1_000_000),
            Heartbeat: LongestServerSilence,
            SendTimeout: LongestSend,
            ListenerLinger: EnvironmentSettings.Create(config).IsAws ? PaidLinger : LocalLinger);
    }
}
