namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>Compares names of KMS keys.</summary>
internal static class KmsKeys
{
    /// <summary>True if a service means this key. Some services give only the key's id.</summary>
    /// <param name="actual">The key that the service gives; null for none.</param>
    /// <param name="arn">The key's ARN.</param>
    public static bool AreSame(string? actual, string arn) =>
        !string.IsNullOrEmpty(actual) && (actual == arn || arn.EndsWith($"/{actual}", StringComparison.Ordinal));

    /// <summary>The name of the key in messages.</summary>
    public static string Show(string? actual) => string.IsNullOrEmpty(actual) ? "the service's own key" : actual;
}
