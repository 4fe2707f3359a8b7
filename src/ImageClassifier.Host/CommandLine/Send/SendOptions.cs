namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>The arguments of <c>send</c>. Null if not given.</summary>
/// <param name="Paths">Files, folders and patterns; <c>-</c> for a list on standard input. Empty only with
/// <paramref name="Resume"/>.</param>
/// <param name="Recursive">Whether folders below the folders are searched too.</param>
/// <param name="Server">The address of the service.</param>
/// <param name="KeyFile">The file with the API key.</param>
/// <param name="Resume">The state file.</param>
/// <param name="Json">Whether to print JSON lines rather than a table.</param>
/// <param name="Csv">The CSV file to write instead of a table.</param>
/// <param name="Variables">The environment variables, for the key and the address.</param>
public sealed record SendOptions(
    IReadOnlyList<string> Paths,
    bool Recursive,
    string? Server,
    string? KeyFile,
    string? Resume,
    bool Json,
    string? Csv,
    IReadOnlyDictionary<string, string> Variables)
{
    /// <summary>The path that stands for a list on standard input.</summary>
    public const string StandardInput = "-";

    /// <summary>The variable with the address of the service.</summary>
    public const string ServerVariable = "IMAGE_CLASSIFIER_SERVER";

    /// <summary>The variable with the API key.</summary>
    public const string KeyVariable = "IMAGE_CLASSIFIER_KEY";
}
