using System.Globalization;
using System.Text;

namespace ImageClassifier.Web.Uploads;

/// <summary>Cleans the file names that clients send.</summary>
internal static class FileNames
{
    /// <summary>Stands in for a missing name.</summary>
    public const string NoName = "(no name)";

    private const int Longest = 255;

    // A longer text after the last dot is no file extension.
    private const int LongestEnding = 20;

    /// <summary>Makes a name fit for display: no folders, no control characters, at most 255 characters, with its
    /// extension kept. Never use it as a path.</summary>
    public static string ForShowing(string sent)
    {
        var name = sent[(sent.LastIndexOfAny(['/', '\\']) + 1)..];
        var clean = new StringBuilder(name.Length);
        foreach (var rune in name.EnumerateRunes())
        {
            // Invalid characters become U+FFFD, for example those of a name that is not UTF-8.
            if (!Rune.IsControl(rune)) clean.Append(rune.ToString());
        }

        return Shorten(clean.ToString().Trim()) is { Length: > 0 } shown ? shown : NoName;
    }

    private static string Shorten(string name)
    {
        if (name.Length <= Longest) return name;
        var ending = Path.GetExtension(name);
        if (ending.Length > LongestEnding) ending = "";
        return Beginning(name, Longest - ending.Length) + ending;
    }

    /// <summary>The start of a text, cut between letters and never inside a combined letter or an emoji.</summary>
    private static string Beginning(string text, int longest)
    {
        var length = 0;
        while (length < text.Length)
        {
            var next = StringInfo.GetNextTextElementLength(text, length);
            if (length + next > longest) break;
            length += next;
        }

        // A single letter can have so many accents that it exceeds the limit alone.
        if (length == 0) length = char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest;
        return text[..length];
    }
}
