using System.Globalization;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>The clock of a node on a machine whose clock is wrong, by the value of the variable <see cref="Variable"/>.
/// Durations are right.</summary>
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

    /// <summary>The real time, unless the variable is set. Then the node prints the time of its clock.</summary>
    public static TimeProvider Guard(TimeProvider time)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text) return time;
        var error = TimeSpan.Parse(text, CultureInfo.InvariantCulture);
        var wrong = new WrongClock(time, error);
        Console.Error.WriteLine($"{Variable} is set: the clock is wrong by {error:c} and shows {wrong.GetUtcNow():O}");
        return wrong;
    }

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow() => _time.GetUtcNow() + _error;

    /// <inheritdoc />
    public override long GetTimestamp() => _time.GetTimestamp();

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        _time.CreateTimer(callback, state, dueTime, period);
}
