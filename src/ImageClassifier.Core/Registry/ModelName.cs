using System.Text.RegularExpressions;

namespace ImageClassifier.Core.Registry;

/// <summary>The names of models below the data folder and in the registry. A name is also a folder's name, and never a
/// path.</summary>
public static partial class ModelName
{
    /// <summary>The allowed names, as a clause.</summary>
    public const string Rule = "1 to 64 lower-case letters, digits, dots, hyphens and underscores; the first and the last "
        + "are letters or digits";

    // The registry keeps its state beside the folders of the models.
    private const string Taken = "active.json";

    /// <summary>True if a model may have this name.</summary>
    public static bool IsValid(string text) => Pattern().IsMatch(text) && text != Taken;

    [GeneratedRegex(@"\A[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?\z")]
    private static partial Regex Pattern();
}
