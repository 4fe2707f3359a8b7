using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>The most probable classes of a model's output.</summary>
internal static class TopPredictions
{
    /// <summary>The number of predictions of a result.</summary>
    public const int Count = 5;

    /// <summary>The five most probable classes, best first. Of equal classes, the lower index comes first.</summary>
    /// <param name="scores">The model's numbers for one picture.</param>
    /// <param name="kind">The meaning of the numbers.</param>
    /// <param name="labels">The names of the classes from the first class on.</param>
    /// <param name="firstClass">The first class that can be an answer. It has index 0. The classes before it only have
    /// their share of the probability.</param>
    /// <exception cref="InvalidOperationException">A number is not finite, or the numbers are not probabilities: the
    /// model is broken, or its contract is wrong.</exception>
    public static Prediction[] Of(
        ReadOnlySpan<float> scores, OutputKind kind, IReadOnlyList<string> labels, int firstClass = 0)
    {
        var answers = scores[firstClass..];
        Span<int> best = stackalloc int[Math.Min(Count, answers.Length)];
        Select(answers, best);
        var largest = Math.Max(answers[best[0]], LargestFinite(scores[..firstClass]));
        if (kind == OutputKind.Probabilities && Distribution.Fault(scores) is { } fault)
            throw new InvalidOperationException($"The model's numbers are not probabilities: {fault}.");
        var total = kind == OutputKind.Logits ? SumOfExponentials(scores, largest) : 1;

        var predictions = new Prediction[best.Length];
        for (var i = 0; i < best.Length; i++)
        {
            double score = answers[best[i]];
            var probability = kind == OutputKind.Logits
                ? Math.Exp(score - largest) / total
                : Math.Clamp(score, 0, 1);
            predictions[i] = new Prediction(best[i], labels[best[i]], probability);
        }

        return predictions;
    }

    private static void Select(ReadOnlySpan<float> scores, Span<int> best)
    {
        var found = 0;
        for (var index = 0; index < scores.Length; index++)
        {
            var score = scores[index];
            ThrowUnlessFinite(score);
            if (found == best.Length && score <= scores[best[^1]]) continue;

            var place = found < best.Length ? found++ : found - 1;
            for (; place > 0 && score > scores[best[place - 1]]; place--) best[place] = best[place - 1];
            best[place] = index;
        }
    }

    private static float LargestFinite(ReadOnlySpan<float> scores)
    {
        var largest = float.MinValue;
        foreach (var score in scores)
        {
            ThrowUnlessFinite(score);
            largest = Math.Max(largest, score);
        }

        return largest;
    }

    private static void ThrowUnlessFinite(float score)
    {
        if (!float.IsFinite(score)) throw new InvalidOperationException($"The model gave {score} for a class.");
    }

    /// <summary>The denominator of the softmax. Subtracting the largest score leaves the quotients unchanged, and no
    /// exponential can overflow.</summary>
    private static double SumOfExponentials(ReadOnlySpan<float> scores, double largest)
    {
        var sum = 0.0;
        foreach (var score in scores) sum += Math.Exp(score - largest);
        return sum;
    }
}
