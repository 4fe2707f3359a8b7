namespace ImageClassifier.Training.Heads;

/// <summary>A linear classifier of features.</summary>
/// <param name="Weights">A row of weights for each class.</param>
/// <param name="Bias">A number for each class.</param>
public sealed record LinearHead(IReadOnlyList<float[]> Weights, IReadOnlyList<float> Bias)
{
    /// <summary>The logits of one picture.</summary>
    public float[] Logits(float[] features)
    {
        var logits = new float[Weights.Count];
        for (var label = 0; label < logits.Length; label++)
            logits[label] = VectorMath.Dot(Weights[label], features) + Bias[label];
        return logits;
    }

    /// <summary>The head whose logits are divided by a temperature, with weights that half precision can hold.</summary>
    public LinearHead Calibrated(double temperature) => new(
        [.. Weights.Select(row => row.Select(weight => (float)(Half)(weight / temperature)).ToArray())],
        [.. Bias.Select(bias => (float)(bias / temperature))]);
}
