using System.Text.RegularExpressions;

namespace ImageClassifier.Host.Models;

/// <summary>The names of models below the data folder. A name is also a folder's name, and never a path.</summary>
internal static partial class ModelName
{
    /// <summary>The allowed names, as a clause.</summary>
    public const string Rule = "1 to 64 lower-case letters, digits, dots, hyphens and underscores; the first and the last "
        + "are letters or digits";

    public static bool IsValid(string text) => Pattern().IsMatch(text);

    [GeneratedRegex(@"\A[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?\z")]
    private static partial Regex Pattern();
}
