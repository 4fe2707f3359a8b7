using Xunit;

namespace ImageClassifier.Testing;

/// <summary>What a test needs from the machine. If it is missing, the test is skipped with the reason. With
/// <c>IMAGE_CLASSIFIER_REQUIRE_ALL=1</c>, as in CI, the test fails instead.</summary>
public static class Requirement
{
    public static bool All => Environment.GetEnvironmentVariable("IMAGE_CLASSIFIER_REQUIRE_ALL") == "1";

    /// <summary>Skips (or fails) the running <c>[SkippableFact]</c> unless <paramref name="met"/>.</summary>
    public static void Met(bool met, string reason)
    {
        if (met) return;
        Assert.False(All, $"Everything is required here, but: {reason}");
        Skip.If(true, reason);
    }
}
