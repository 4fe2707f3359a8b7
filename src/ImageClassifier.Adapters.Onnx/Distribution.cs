using System.Globalization;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Checks that numbers are probabilities that add up to 1.</summary>
internal static class Distribution
{
    /// <summary>The allowed difference of the sum from 1. Networks of 16-bit floats and of 8-bit integers
    /// round.</summary>
    public const double Tolerance = 0.02;

    /// <summary>Why the numbers are not probabilities, as a clause; null if they are.</summary>
    public static string? Fault(ReadOnlySpan<float> numbers, double tolerance = Tolerance)
    {
        var sum = 0.0;
        for (var i = 0; i < numbers.Length; i++)
        {
            if (!float.IsFinite(numbers[i]) || numbers[i] < -tolerance) return Text($"class {i} has {numbers[i]}");
            sum += numbers[i];
        }

        return Math.Abs(sum - 1) <= tolerance ? null : Text($"all classes add up to {sum}, not to 1");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
