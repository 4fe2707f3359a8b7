namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>Compares the names of KMS's keys.</summary>
internal static class KmsKeys
{
    /// <summary>Whether a service, which may answer with a key's id alone, means this key.</summary>
    /// <param name="actual">What the service answers; null for none.</param>
    /// <param name="arn">The key's ARN.</param>
    public static bool AreSame(string? actual, string arn) =>
        !string.IsNullOrEmpty(actual) && (actual == arn || arn.EndsWith($"/{actual}", StringComparison.Ordinal));

    /// <summary>For people.</summary>
    public static string Show(string? actual) => string.IsNullOrEmpty(actual) ? "the service's own key" : actual;
}
