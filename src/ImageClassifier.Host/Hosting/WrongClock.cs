using System.Globalization;

namespace ImageClassifier.Host.Hosting;

/// <summary>
/// For tests only: a node on a machine whose clock is wrong. The variable <see cref="Variable"/> says by how much; where it is
/// not set, as it should not be in service, a node takes its time as it is. How long something takes is measured as ever.
/// </summary>
internal sealed class WrongClock : TimeProvider
{
    /// <summary>The environment variable: <c>00:07:00</c> is seven minutes ahead, <c>-00:07:00</c> behind.</summary>
    public const string Variable = "IMAGE_CLASSIFIER_TEST_CLOCK_ERROR";

    private readonly TimeProvider _time;
    private readonly TimeSpan _error;

    private WrongClock(TimeProvider time, TimeSpan error)
    {
        _time = time;
        _error = error;
    }

    /// <inheritdoc />
    public override long TimestampFrequency => _time.TimestampFrequency;

    /// <summary>The time as it is, unless a test says otherwise.</summary>
    public static TimeProvider Guard(TimeProvider time) =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } error
            ? new WrongClock(time, TimeSpan.Parse(error, CultureInfo.InvariantCulture))
            : time;

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow() => _time.GetUtcNow() + _error;

    /// <inheritdoc />
    public override long GetTimestamp() => _time.GetTimestamp();

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        _time.CreateTimer(callback, state, dueTime, period);
}
