namespace ImageClassifier.Benchmarks;

internal static class Statistics
{
    /// <summary>A quantile of the values: the share 0.5 gives the median.</summary>
    public static double Quantile(this IEnumerable<double> values, double share)
    {
        var sorted = values.Order().ToArray();
        return sorted[Math.Min((int)(sorted.Length * share), sorted.Length - 1)];
    }
}
