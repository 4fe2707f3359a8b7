namespace ImageClassifier.Simulations.Cloud;

/// <summary>The properties of the simulated cloud.</summary>
internal sealed record CloudSettings
{
    /// <summary>The seed of everything that is random.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How long an instance takes for one picture.</summary>
    public TimeSpan ServiceTime { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The boot times of instances.</summary>
    public BootTimes Boot { get; init; } = BootTimes.Usual;

    /// <summary>How long a launch call takes.</summary>
    public TimeSpan LaunchCall { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the store takes to answer that it has a launch's note.</summary>
    public TimeSpan NoteAnswer { get; init; }

    /// <summary>How long a measurement of the request queue takes.</summary>
    public TimeSpan MeasureCall { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The share of launch calls that fail and launch nothing.</summary>
    public double FailedLaunchShare { get; init; }

    /// <summary>The share of launch calls that launch instances but are never answered. The fleet reports these
    /// instances only after half a minute.</summary>
    public double LostAnswerShare { get; init; }

    /// <summary>The share of instances that end without coming up.</summary>
    public double NeverCameUpShare { get; init; }

    /// <summary>The mean lifetime of an instance before it dies silently; exponentially distributed. Null: no
    /// limit.</summary>
    public TimeSpan? MeanLifetime { get; init; }

    /// <summary>Whether nothing fails.</summary>
    public bool HasNoFaults =>
        FailedLaunchShare == 0 && LostAnswerShare == 0 && NeverCameUpShare == 0 && MeanLifetime is null;

    /// <summary>The age of the request queue's counts.</summary>
    public TimeSpan CountsLag { get; init; }
}

/// <summary>The boot time of instances, from launch to first poll.</summary>
/// <param name="Least">The minimum.</param>
/// <param name="MeanOver">The mean of the time above the minimum; exponentially distributed.</param>
/// <param name="Most">The maximum.</param>
internal sealed record BootTimes(TimeSpan Least, TimeSpan MeanOver, TimeSpan Most)
{
    /// <summary>26 s on average, at most a minute.</summary>
    public static BootTimes Usual { get; } =
        new(TimeSpan.FromSeconds(22), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(60));

    /// <summary>A constant boot time.</summary>
    public static BootTimes Fixed(TimeSpan time) => new(time, TimeSpan.Zero, time);

    /// <summary>Draws a boot time.</summary>
    public TimeSpan Draw(Random random)
    {
        var drawn = Least - (MeanOver * Math.Log(1 - random.NextDouble()));
        return drawn < Most ? drawn : Most;
    }
}
