using System.Text;
using System.Text.RegularExpressions;

namespace ImageClassifier.Host.Models;

/// <summary>Reads the list of ImageNet's classes (<c>synset.txt</c>): 1,000 lines such as
/// <c>n01440764 tench, Tinca tinca</c>. The identifiers ascend, so a line that is missing, repeated or moved
/// shows.</summary>
internal static partial class ImageNetLabels
{
    /// <summary>Far more than the list has. A page of an intercepting proxy may be longer.</summary>
    public const long MaxBytes = 1 << 20;

    private const int Classes = 1000;
    private const string First = "n01440764";
    private const string Last = "n15075141";

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The names of the classes, in their order.</summary>
    /// <exception cref="FormatException">It is another text. The message is a clause.</exception>
    public static IReadOnlyList<string> Parse(byte[] content)
    {
        string[] lines;
        try
        {
            lines = Strict.GetString(content).ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        }
        catch (DecoderFallbackException failure)
        {
            throw new FormatException("it is not UTF-8", failure);
        }

        if (lines.Length != Classes) throw new FormatException($"it has {lines.Length} lines, not {Classes}");
        var labels = new string[Classes];
        var before = "";
        for (var i = 0; i < Classes; i++)
        {
            if (Line().Match(lines[i]) is not { Success: true } line)
                throw new FormatException($"line {i + 1} is not of the form \"n01440764 tench, Tinca tinca\"");
            var id = line.Groups[1].Value;
            if (string.CompareOrdinal(before, id) >= 0)
                throw new FormatException($"line {i + 1} is out of order: {id} follows {before}");
            (before, labels[i]) = (id, line.Groups[2].Value);
        }

        return lines[0].StartsWith(First, StringComparison.Ordinal) && before == Last
            ? labels
            : throw new FormatException($"its classes are not those from {First} to {Last}");
    }

    [GeneratedRegex(@"\A(n[0-9]{8}) (\S.*)\z")]
    private static partial Regex Line();
}
