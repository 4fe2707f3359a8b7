using System.Text;

namespace ImageClassifier.Web.Uploads;

/// <summary>File names as clients send them.</summary>
internal static class FileNames
{
    private const int Longest = 255;
    private const string Nameless = "(no name)";

    /// <summary>A name fit for showing: no folders, no control characters, not too long. It is never used as a path.</summary>
    public static string ForShowing(string sent)
    {
        var name = sent[(sent.LastIndexOfAny(['/', '\\']) + 1)..];
        var clean = new StringBuilder(Math.Min(name.Length, Longest));
        foreach (var rune in name.EnumerateRunes())
        {
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar) continue;
            if (clean.Length + rune.Utf16SequenceLength > Longest) break;
            clean.Append(rune.ToString());
        }

        return clean.ToString().Trim() is { Length: > 0 } shown ? shown : Nameless;
    }
}
