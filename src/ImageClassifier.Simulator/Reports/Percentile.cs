namespace ImageClassifier.Simulator.Reports;

/// <summary>Percentiles by the nearest rank.</summary>
internal static class Percentile
{
    /// <summary>The smallest value that at least this share of the values does not exceed. There must be a
    /// value.</summary>
    public static long OfSorted(ReadOnlySpan<long> sorted, double share) =>
        sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
}
