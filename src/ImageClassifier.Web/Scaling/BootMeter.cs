namespace ImageClassifier.Web.Scaling;

/// <summary>Measures the boot time: from launch to first poll, as the median of the last instances.</summary>
/// <param name="assumed">The boot time before anything is measured.</param>
internal sealed class BootMeter(TimeSpan assumed)
{
    private const int MaxKept = 20;

    private readonly Queue<double> _boots = [];

    /// <summary>The measured boot time, or the assumed one.</summary>
    public TimeSpan BootTime { get; private set; } = assumed;

    /// <summary>Adds a measured boot time.</summary>
    public void Add(TimeSpan boot)
    {
        _boots.Enqueue(Math.Max(0, boot.TotalSeconds));
        if (_boots.Count > MaxKept) _boots.Dequeue();
        BootTime = TimeSpan.FromSeconds(Median.Of(_boots));
    }
}
