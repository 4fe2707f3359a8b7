using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.TestKit;

namespace ImageClassifier.Testing;

/// <summary>The test kit's scheduler, whose monotonic clock is virtual too: the kit's own tells the real time, by which
/// nothing would last in a test.</summary>
public sealed class VirtualScheduler(Config config, ILoggingAdapter log) : TestScheduler(config, log), IScheduler
{
    /// <inheritdoc />
    TimeSpan ITimeProvider.MonotonicClock => Now - DateTimeOffset.UnixEpoch;

    /// <inheritdoc />
    TimeSpan ITimeProvider.HighResMonotonicClock => Now - DateTimeOffset.UnixEpoch;
}
