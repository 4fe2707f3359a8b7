using System.Globalization;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Whether numbers are probabilities that together give 1.</summary>
internal static class Distribution
{
    /// <summary>How far the sum may be from 1: networks of 16-bit floats and of 8-bit integers round.</summary>
    public const double Tolerance = 0.02;

    /// <summary>Why numbers are no distribution, as a clause; null where they are one.</summary>
    public static string? Fault(ReadOnlySpan<float> numbers, double tolerance = Tolerance)
    {
        var sum = 0.0;
        for (var i = 0; i < numbers.Length; i++)
        {
            if (!float.IsFinite(numbers[i]) || numbers[i] < -tolerance) return Text($"class {i} has {numbers[i]}");
            sum += numbers[i];
        }

        return Math.Abs(sum - 1) <= tolerance ? null : Text($"all classes together have {sum}, and not 1");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
