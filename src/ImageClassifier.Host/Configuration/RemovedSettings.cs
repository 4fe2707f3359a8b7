namespace ImageClassifier.Host.Configuration;

/// <summary>Keys of earlier versions. The program refuses each by name, and tells what replaced it.</summary>
internal static class RemovedSettings
{
    /// <summary>By the full name of each key: what the program does instead, as a clause.</summary>
    public static IReadOnlyDictionary<string, string> Replacements { get; } = new Dictionary<string, string>
    {
        [$"{KnownSettings.Root}.access.rate-limit.refusals.burst"] =
            "the program lets 60 wrong calls of an address through at once: a mistyped key stays below that",
        [$"{KnownSettings.Root}.access.rate-limit.refusals.count"] =
            "the program lets 60 wrong calls a minute through: a mistyped key stays below that",
        [$"{KnownSettings.Root}.access.rate-limit.refusals.per"] =
            "the program counts wrong calls a minute: a mistyped key stays below its 60",
        [$"{KnownSettings.Root}.access.rate-limit.uploads.burst"] =
            "access.rate-limit.uploads.count requests may also come at once",
        [$"{KnownSettings.Root}.embedded.retention-interval"] =
            "the program deletes old data once an hour, because embedded.retention is counted in hours and days",
        [$"{KnownSettings.Root}.fleet.ec2.describe-interval"] =
            "the program asks EC2 at most every 5 s, because EC2 throttles the calls of an account",
        [$"{KnownSettings.Root}.fleet.ec2.name-tag"] =
            "the program names instances after fleet.ec2.deployment, followed by -node",
        [$"{KnownSettings.Root}.fleet.processes.boot-timeout"] =
            "the program waits 60 s for a child process, because a busy machine needs seconds to load a large model",
        [$"{KnownSettings.Root}.fleet.processes.drain-timeout"] =
            "the program waits 20 s for its nodes, because they drain within 15 s",
        [$"{KnownSettings.Root}.node.classification.max-failures"] =
            "the program ends a node after 10 failed pictures in a row, or queues.requests.max-receives + 1 "
            + "where that is more",
        [$"{KnownSettings.Root}.node.drain-timeout"] =
            "the program uses 15 s, because the host ends a node 30 s after the request to stop",
        [$"{KnownSettings.Root}.node.polling.acknowledge-linger"] =
            "the program waits 1 s on AWS, where each call costs, and 5 ms elsewhere",
        [$"{KnownSettings.Root}.node.polling.fetchers"] =
            "the program reads 8 pictures at once from S3, and 4 from this machine's files",
        [$"{KnownSettings.Root}.node.polling.linger"] =
            "the program waits 250 ms on AWS, where each call costs, and 5 ms elsewhere",
        [$"{KnownSettings.Root}.node.polling.max-backoff"] =
            "the program uses 5 s, because an idle queue is polled as often",
        [$"{KnownSettings.Root}.node.polling.min-backoff"] =
            "the program uses 200 ms, because most failures are over at the next call",
        [$"{KnownSettings.Root}.node.record-interval"] =
            "the program uses 10 s on AWS, where each write costs, and 5 s elsewhere",
        [$"{KnownSettings.Root}.node.termination.cut-off-limit"] =
            "the program uses 10 min, which is longer than ordinary outages of a queue",
        [$"{KnownSettings.Root}.queues.requests.max-lease"] =
            "the program renews for 20 times queues.requests.lease, and for 10 min at least",
        [$"{KnownSettings.Root}.queues.responses.lease"] =
            "the program uses 30 s, or queues.requests.lease where that is shorter",
        [$"{KnownSettings.Root}.queues.responses.max-lease"] =
            "the program uses 10 min, because a result is stored within seconds",
        [$"{KnownSettings.Root}.queues.responses.max-receives"] =
            "the program tries a result 20 times, because a store that is away uses up tries",
        [$"{KnownSettings.Root}.results.heartbeat"] =
            "the program uses 15 s, because proxies close a silent connection after 30 s at the earliest",
        [$"{KnownSettings.Root}.results.listener.linger"] =
            "the program waits 1 s on AWS, where each call costs, and 5 ms elsewhere",
        [$"{KnownSettings.Root}.results.listener.max-backoff"] =
            "the program uses 5 s, because an idle queue is polled as often",
        [$"{KnownSettings.Root}.results.listener.max-in-flight"] =
            "the program takes 100 results at once, which keeps the store busy",
        [$"{KnownSettings.Root}.results.listener.min-backoff"] =
            "the program uses 200 ms, because most failures are over at the next call",
        [$"{KnownSettings.Root}.results.listener.wait-time"] =
            "the program uses 5 s, because a stopping web tier waits for its last poll",
        [$"{KnownSettings.Root}.results.max-reads"] =
            "the program reads 2000 batches and pictures at once, for which files and connections suffice",
        [$"{KnownSettings.Root}.results.open-batches-a-sweep"] =
            "the program checks 200 open batches a minute, which bounds the calls to the store",
        [$"{KnownSettings.Root}.results.passivate-after"] =
            "the program uses 2 min; results.max-live-jobs bounds the memory",
        [$"{KnownSettings.Root}.results.send-timeout"] =
            "the program uses 20 s, because a client that was cut off can resume",
        [$"{KnownSettings.Root}.scaling.boot-deadline"] =
            "the program uses 5 min on EC2 and 1 min for child processes, several times what a boot takes",
        [$"{KnownSettings.Root}.scaling.counts-lag"] =
            "the program uses 1 min on AWS, as SQS documents, and 0 s elsewhere",
        [$"{KnownSettings.Root}.scaling.idle-interval"] =
            "the program uses 10 s on AWS, where each observation costs, and 5 s elsewhere; an upload wakes the scaler "
            + "at once",
        [$"{KnownSettings.Root}.scaling.interval"] =
            "the program uses 1 s, because an upload wakes the scaler at once",
        [$"{KnownSettings.Root}.scaling.kept-decisions"] =
            "the program shows 20; the log has them all",
        [$"{KnownSettings.Root}.scaling.launch-timeout"] =
            "the program uses 5 min on EC2 and 2 min for child processes, several times what a launch takes",
        [$"{KnownSettings.Root}.scaling.max-backoff"] =
            "the program uses 1 min on EC2, whose calls are limited, and 10 s for child processes",
        [$"{KnownSettings.Root}.scaling.min-backoff"] =
            "the program uses 1 s on EC2, whose calls are limited, and 500 ms for child processes",
        [$"{KnownSettings.Root}.scaling.records-interval"] =
            "the program uses 5 s, because nodes write their records no more often",
        [$"{KnownSettings.Root}.scaling.settle-time"] =
            "the scaler notes each launch in the store before it makes it, and needs no wait after a start",
        [$"{KnownSettings.Root}.scaling.silence-limit"] =
            "the program uses 2 min, a dozen missed records of a node",
        [$"{KnownSettings.Root}.uploads.abandoned-after"] =
            "the program uses 15 min, because only a killed web tier leaves an upload behind",
        [$"{KnownSettings.Root}.uploads.max-waiting"] =
            "the program lets as many wait as uploads.max-concurrent",
        [$"{KnownSettings.Root}.uploads.min-rate"] =
            "the program uses 8 KiB a second, because a slow mobile network is faster",
        [$"{KnownSettings.Root}.uploads.outbox.max-backoff"] =
            "the program uses 5 s, because accepted jobs should be sent soon after the queue is back",
        [$"{KnownSettings.Root}.uploads.outbox.max-in-memory"] =
            "the program keeps 10000 messages, some 5 MB, and reads more from the store",
        [$"{KnownSettings.Root}.uploads.outbox.min-backoff"] =
            "the program uses 500 ms, because most failures are over at the next call",
        [$"{KnownSettings.Root}.uploads.outbox.parallelism"] =
            "the program uses 2 calls, because a third does not speed a queue up",
        [$"{KnownSettings.Root}.uploads.retry-after"] =
            "the program answers 2 s, because uploads end within seconds",
        [$"{KnownSettings.Root}.uploads.sweep-interval"] =
            "the program sweeps once a minute, because what a sweep repairs is rare",
        [$"{KnownSettings.Root}.web.shutdown-timeout"] =
            "the program waits 10 s for requests under way, because the host ends it 40 s after the request to stop",
    };
}
