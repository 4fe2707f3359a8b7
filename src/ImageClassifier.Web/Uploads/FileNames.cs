using System.Globalization;
using System.Text;

namespace ImageClassifier.Web.Uploads;

/// <summary>File names as clients send them.</summary>
internal static class FileNames
{
    /// <summary>What a file without a name is called.</summary>
    public const string Nameless = "(no name)";

    private const int Longest = 255;

    // A longer text after the last dot is no ending of any kind of file.
    private const int LongestEnding = 20;

    /// <summary>A name fit for showing: no folders, no control characters, not too long. Its ending stays. It is never
    /// used as a path.</summary>
    public static string ForShowing(string sent)
    {
        var name = sent[(sent.LastIndexOfAny(['/', '\\']) + 1)..];
        var clean = new StringBuilder(name.Length);
        foreach (var rune in name.EnumerateRunes())
        {
            // What is no character, as in a name that is not UTF-8, shows as U+FFFD: the name is not what was sent.
            if (!Rune.IsControl(rune)) clean.Append(rune.ToString());
        }

        return Shorten(clean.ToString().Trim()) is { Length: > 0 } shown ? shown : Nameless;
    }

    private static string Shorten(string name)
    {
        if (name.Length <= Longest) return name;
        var ending = Path.GetExtension(name);
        if (ending.Length > LongestEnding) ending = "";
        return Beginning(name, Longest - ending.Length) + ending;
    }

    /// <summary>The beginning of a text, without a part of a letter or of an emoji at its end.</summary>
    private static string Beginning(string text, int longest)
    {
        var length = 0;
        while (length < text.Length)
        {
            var next = StringInfo.GetNextTextElementLength(text, length);
            if (length + next > longest) break;
            length += next;
        }

        // One letter can have any number of accents.
        if (length == 0) length = char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest;
        return text[..length];
    }
}
