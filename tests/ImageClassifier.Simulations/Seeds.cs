using System.Globalization;
using Xunit;

namespace ImageClassifier.Simulations;

/// <summary>The seeds that simulations run with.</summary>
public static class Seeds
{
    /// <summary>The environment variable that gives one seed in place of all others.</summary>
    public const string Variable = "IMAGE_CLASSIFIER_SEED";

    /// <summary>For what is cheap to simulate.</summary>
    public static TheoryData<int> Several => Given is { } seed ? [seed] : [1, 2, 3];

    /// <summary>For what is not.</summary>
    public static int One => Given ?? 1;

    /// <summary>How to run a simulation again.</summary>
    public static string Tell(int seed) =>
        FormattableString.Invariant($"Seed {seed}; to run this again set {Variable}={seed}.");

    private static int? Given => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text
        ? int.Parse(text, CultureInfo.InvariantCulture)
        : null;
}
