using System.Globalization;
using System.Text.RegularExpressions;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>
/// The names of the pictures in a model's folder <c>samples</c>. A name is the label that the picture must get, or the
/// label's part before its first comma: <c>goldfish.jpg</c>. Several pictures of a label have a hyphen and a number:
/// <c>goldfish-2.jpg</c>. A character that a file's name cannot have is written as in addresses: <c>AC%2FDC.jpg</c>.
/// Capital and small letters are the same.
/// </summary>
public static partial class SampleNames
{
    /// <summary>The folder's name.</summary>
    public const string Folder = "samples";

    private const string NotInFileNames = "%/\\:*?\"<>|";
    private const int LongestName = 200;

    /// <summary>The name of a sample, without its ending.</summary>
    /// <param name="label">The label that the picture must get.</param>
    /// <param name="number">1 for the first picture of the label, 2 for the next.</param>
    public static string For(string label, int number = 1)
    {
        var name = Escape(label);
        // A long label is a list of synonyms.
        if (name.Length > LongestName) name = Escape(FirstSynonym(label));
        return number == 1 && !Numbered().IsMatch(name)
            ? name
            : string.Create(CultureInfo.InvariantCulture, $"{name}-{number}");
    }

    /// <summary>The labels that a sample may get; empty if its name is of no label. Different classes can have the same
    /// label.</summary>
    /// <param name="name">The file's name, without its ending.</param>
    /// <param name="labels">The labels of the model.</param>
    public static IReadOnlyList<string> LabelsFor(string name, IReadOnlyList<string> labels)
    {
        var exact = Named(Uri.UnescapeDataString(name), labels);
        return exact.Count > 0 || Numbered().Match(name) is not { Success: true } numbered
            ? exact
            : Named(Uri.UnescapeDataString(numbered.Groups["label"].Value), labels);
    }

    private static List<string> Named(string name, IReadOnlyList<string> labels) =>
    [
        .. labels.Where(label => name.Equals(label, StringComparison.OrdinalIgnoreCase)
            || name.Equals(FirstSynonym(label), StringComparison.OrdinalIgnoreCase)).Distinct(),
    ];

    private static string FirstSynonym(string label) => label.Split(',', 2)[0].Trim();

    private static string Escape(string label) => string.Concat(label.Select(letter =>
        NotInFileNames.Contains(letter) || char.IsControl(letter)
            ? Uri.EscapeDataString(letter.ToString())
            : letter.ToString()));

    [GeneratedRegex(@"^(?<label>.+)-\d+$", RegexOptions.ExplicitCapture)]
    private static partial Regex Numbered();
}
