namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>Compares the names of KMS's keys.</summary>
internal static class KmsKeys
{
    /// <summary>Whether a service means this key. Some services answer with the key's id alone.</summary>
    /// <param name="actual">What the service answers; null for none.</param>
    /// <param name="arn">The key's ARN.</param>
    public static bool AreSame(string? actual, string arn) =>
        !string.IsNullOrEmpty(actual) && (actual == arn || arn.EndsWith($"/{actual}", StringComparison.Ordinal));

    /// <summary>The key's name in messages.</summary>
    public static string Show(string? actual) => string.IsNullOrEmpty(actual) ? "the service's own key" : actual;
}
