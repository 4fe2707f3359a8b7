namespace ImageClassifier.Simulations.Cloud;

/// <summary>How the simulated cloud is.</summary>
internal sealed record CloudSettings
{
    /// <summary>Fixes all that is drawn.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How long an instance takes for one picture.</summary>
    public TimeSpan ServiceTime { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long instances boot.</summary>
    public BootTimes Boot { get; init; } = BootTimes.Usual;

    /// <summary>How long a call takes that launches.</summary>
    public TimeSpan LaunchCall { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a call takes that counts the request queue.</summary>
    public TimeSpan MeasureCall { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Which part of the calls that launch fails, and launches nothing.</summary>
    public double FailedLaunchShare { get; init; }

    /// <summary>Which part of the calls that launch is never answered, although instances are launched, which show only
    /// after half a minute.</summary>
    public double LostAnswerShare { get; init; }

    /// <summary>Which part of the instances ends without ever coming up.</summary>
    public double StillbornShare { get; init; }

    /// <summary>How long instances live on average before they die without a word; exponentially distributed. Null: for
    /// ever.</summary>
    public TimeSpan? MeanLifetime { get; init; }

    /// <summary>Whether nothing fails.</summary>
    public bool IsUntroubled =>
        FailedLaunchShare == 0 && LostAnswerShare == 0 && StillbornShare == 0 && MeanLifetime is null;

    /// <summary>How old the counts of the request queue are.</summary>
    public TimeSpan CountsLag { get; init; }
}

/// <summary>How long instances boot, from launch to first poll.</summary>
/// <param name="Least">The shortest time.</param>
/// <param name="MeanOver">How much longer it takes on average; exponentially distributed.</param>
/// <param name="Most">The longest time.</param>
internal sealed record BootTimes(TimeSpan Least, TimeSpan MeanOver, TimeSpan Most)
{
    /// <summary>26 s on average, and a minute at most.</summary>
    public static BootTimes Usual { get; } =
        new(TimeSpan.FromSeconds(22), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(60));

    /// <summary>Always the same.</summary>
    public static BootTimes Fixed(TimeSpan time) => new(time, TimeSpan.Zero, time);

    /// <summary>Draws one.</summary>
    public TimeSpan Draw(Random random)
    {
        var drawn = Least - (MeanOver * Math.Log(1 - random.NextDouble()));
        return drawn < Most ? drawn : Most;
    }
}
