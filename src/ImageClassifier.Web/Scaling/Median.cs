namespace ImageClassifier.Web.Scaling;

/// <summary>The median: one extreme value changes it little.</summary>
internal static class Median
{
    /// <summary>The middle value; for an even count, the mean of the two middle values.</summary>
    public static double Of(IReadOnlyCollection<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
