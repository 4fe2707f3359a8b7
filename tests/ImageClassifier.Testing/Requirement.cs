using Xunit;

namespace ImageClassifier.Testing;

/// <summary>What a test needs from the machine. A test that lacks it is skipped with the reason, and fails instead
/// where <c>IMAGE_CLASSIFIER_REQUIRE_ALL=1</c> is set, as CI does.</summary>
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
