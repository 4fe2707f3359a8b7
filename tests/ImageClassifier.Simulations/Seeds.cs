using System.Globalization;
using Xunit;

namespace ImageClassifier.Simulations;

/// <summary>The seeds of the simulations.</summary>
public static class Seeds
{
    /// <summary>The environment variable that replaces all seeds by one.</summary>
    public const string Variable = "IMAGE_CLASSIFIER_SEED";

    /// <summary>For cheap simulations.</summary>
    public static TheoryData<int> Several => Given is { } seed ? [seed] : [1, 2, 3];

    /// <summary>For expensive simulations.</summary>
    public static int One => Given ?? 1;

    /// <summary>How to repeat a simulation.</summary>
    public static string Describe(int seed) =>
        FormattableString.Invariant($"Seed {seed}; to run this again set {Variable}={seed}.");

    private static int? Given => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text
        ? int.Parse(text, CultureInfo.InvariantCulture)
        : null;
}
