namespace ImageClassifier.Benchmarks;

internal static class Statistics
{
    /// <summary>The value below which a share of the values lies; 0.5 is the median.</summary>
    public static double Quantile(this IEnumerable<double> values, double share)
    {
        var sorted = values.Order().ToArray();
        return sorted[Math.Min((int)(sorted.Length * share), sorted.Length - 1)];
    }
}
