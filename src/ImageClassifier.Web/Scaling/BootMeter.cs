namespace ImageClassifier.Web.Scaling;

/// <summary>Measures how long instances take from their launch to their first poll: the median of the last ones.</summary>
/// <param name="assumed">The boot time until one was measured.</param>
internal sealed class BootMeter(TimeSpan assumed)
{
    private const int Remembered = 20;

    private readonly Queue<double> _boots = [];

    /// <summary>The boot time as far as it is known.</summary>
    public TimeSpan BootTime { get; private set; } = assumed;

    /// <summary>An instance came up.</summary>
    public void CameUp(TimeSpan after)
    {
        _boots.Enqueue(Math.Max(0, after.TotalSeconds));
        if (_boots.Count > Remembered) _boots.Dequeue();
        BootTime = TimeSpan.FromSeconds(Median.Of(_boots));
    }
}
