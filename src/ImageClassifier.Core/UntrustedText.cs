using System.Globalization;
using System.Text;

namespace ImageClassifier.Core;

/// <summary>Text from outside, such as file names. An invisible character can change how the text beside it looks: a
/// name with U+202E before <c>gpj.exe</c> looks as if it ended in <c>exe.jpg</c>.</summary>
public static class UntrustedText
{
    private const int ZeroWidthNonJoiner = 0x200C;
    private const int ZeroWidthJoiner = 0x200D;

    /// <summary>True if a character is invisible: controls, direction marks, line ends and the like. The two joiners do
    /// not count, because scripts and emoji need them.</summary>
    public static bool IsInvisible(Rune character) => Rune.GetUnicodeCategory(character) switch
    {
        UnicodeCategory.Format => character.Value is not (ZeroWidthNonJoiner or ZeroWidthJoiner),
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        _ => false,
    };

    /// <summary>The text for display: each invisible character, and each lone surrogate, becomes U+FFFD.</summary>
    public static string ForDisplay(string text) => Replace(text, "\uFFFD");

    /// <summary>The text without its invisible characters, to check the text that is visible.</summary>
    public static string WithoutInvisible(string text) => Replace(text, "");

    /// <summary>The text for a message: on one line, without invisible characters, and with an ellipsis in place of all
    /// beyond a length.</summary>
    /// <param name="text">The text.</param>
    /// <param name="longest">The most characters; at least 2.</param>
    public static string ForMessage(string text, int longest)
    {
        if (text.Length > longest) text = $"{text[..(longest - 1)]}\u2026";
        return ForDisplay(text.ReplaceLineEndings(" "));
    }

    /// <summary>True if the text has an invisible character.</summary>
    public static bool HasInvisible(string text) => text.EnumerateRunes().Any(IsInvisible);

    private static string Replace(string text, string replacement)
    {
        var result = new StringBuilder(text.Length);
        foreach (var character in text.EnumerateRunes())
        {
            if (IsInvisible(character)) result.Append(replacement);
            else result.Append(character);
        }

        return result.ToString();
    }
}
