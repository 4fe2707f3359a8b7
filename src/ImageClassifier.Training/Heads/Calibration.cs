namespace ImageClassifier.Training.Heads;

/// <summary>Finds the temperature with which probabilities are as often right as they say (Guo et al., On Calibration of
/// Modern Neural Networks, 2017).</summary>
public static class Calibration
{
    private const double Coldest = 0.02;
    private const double Hottest = 50;
    private const int Steps = 60;

    /// <summary>The temperature with the least cross-entropy on pictures that the head was not trained with.</summary>
    /// <param name="logits">The logits of each picture.</param>
    /// <param name="labels">The class of each picture.</param>
    public static double Temperature(IReadOnlyList<float[]> logits, IReadOnlyList<int> labels)
    {
        var wanted = Wanted(labels.Count);
        // The cross-entropy is convex in the inverse of the temperature.
        var (low, high) = (1 / Hottest, 1 / Coldest);
        for (var step = 0; step < Steps; step++)
        {
            var (left, right) = (low + (high - low) / 3, high - (high - low) / 3);
            if (Loss(logits, labels, left, wanted) < Loss(logits, labels, right, wanted)) high = right;
            else low = left;
        }

        return 2 / (low + high);
    }

    /// <summary>The mean cross-entropy of logits that are divided by a temperature.</summary>
    /// <inheritdoc cref="Temperature"/>
    public static double CrossEntropy(
        IReadOnlyList<float[]> logits, IReadOnlyList<int> labels, double temperature) =>
        Loss(logits, labels, 1 / temperature, Wanted(labels.Count));

    // A head without a mistake would become infinitely sure. So the wanted probability stays below 1 by as much as this
    // number of pictures can leave unseen (Platt, 1999).
    private static double Wanted(int pictures) => (pictures + 1.0) / (pictures + 2.0);

    private static double Loss(
        IReadOnlyList<float[]> logits, IReadOnlyList<int> labels, double inverse, double wanted)
    {
        var loss = 0.0;
        for (var i = 0; i < logits.Count; i++)
        {
            var row = logits[i];
            var scaled = Array.ConvertAll(row, logit => (float)(logit * inverse));
            var own = scaled[labels[i]];
            var others = (scaled.Sum(logit => (double)logit) - own) / (row.Length - 1);
            loss += Softmax.Apply(scaled) - wanted * own - (1 - wanted) * others;
        }

        return loss / logits.Count;
    }
}
