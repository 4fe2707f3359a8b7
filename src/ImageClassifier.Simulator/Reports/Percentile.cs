namespace ImageClassifier.Simulator.Reports;

/// <summary>What a share of some values does not exceed, by the nearest rank.</summary>
internal static class Percentile
{
    /// <summary>The smallest value that at least so many do not exceed; there must be one.</summary>
    public static long OfSorted(ReadOnlySpan<long> sorted, double share) =>
        sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
}
