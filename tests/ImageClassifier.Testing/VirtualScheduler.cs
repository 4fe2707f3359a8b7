using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.TestKit;

namespace ImageClassifier.Testing;

/// <summary>TestKit's scheduler with a virtual monotonic clock. TestKit's own monotonic clock shows real time, so
/// nothing would take time in a test.</summary>
public sealed class VirtualScheduler(Config config, ILoggingAdapter log) : TestScheduler(config, log), IScheduler
{
    /// <inheritdoc />
    TimeSpan ITimeProvider.MonotonicClock => Now - DateTimeOffset.UnixEpoch;

    /// <inheritdoc />
    TimeSpan ITimeProvider.HighResMonotonicClock => Now - DateTimeOffset.UnixEpoch;
}
