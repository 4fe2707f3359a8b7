namespace ImageClassifier.Training.Heads;

/// <summary>Probabilities of logits.</summary>
internal static class Softmax
{
    /// <summary>Turns logits into probabilities in place.</summary>
    /// <returns>The logarithm of the sum of their exponentials.</returns>
    public static double Apply(Span<float> logits)
    {
        var highest = float.NegativeInfinity;
        foreach (var logit in logits) highest = Math.Max(highest, logit);
        var total = 0.0;
        for (var i = 0; i < logits.Length; i++)
        {
            logits[i] = MathF.Exp(logits[i] - highest);
            total += logits[i];
        }

        var scale = (float)(1 / total);
        for (var i = 0; i < logits.Length; i++) logits[i] *= scale;
        return highest + Math.Log(total);
    }

    /// <summary>The probabilities of logits that are divided by a temperature.</summary>
    public static float[] Probabilities(float[] logits, double temperature)
    {
        var probabilities = Array.ConvertAll(logits, logit => (float)(logit / temperature));
        Apply(probabilities);
        return probabilities;
    }
}
