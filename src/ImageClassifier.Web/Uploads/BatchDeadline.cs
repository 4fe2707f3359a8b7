using System.Globalization;
using System.Text.RegularExpressions;

namespace ImageClassifier.Web.Uploads;

/// <summary>Reads the deadline that an upload asks for.</summary>
internal static partial class BatchDeadline
{
    /// <summary>The longest time until a deadline. Pictures are kept for longer by default.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    /// <summary>Reads a deadline.</summary>
    /// <param name="text">A date and time with its offset, as RFC 3339 defines; null or empty for no deadline.</param>
    /// <param name="now">The current time.</param>
    /// <param name="deadline">The deadline in UTC; null if there is none.</param>
    /// <returns>What is wrong and what to do; null if nothing is.</returns>
    public static string? Read(string? text, DateTimeOffset now, out DateTimeOffset? deadline)
    {
        deadline = null;
        if (string.IsNullOrEmpty(text)) return null;
        if (!Rfc3339().IsMatch(text)
            || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
            return "It is not a date and time with an offset. Send one like 2026-01-31T18:00:00Z.";
        if (time <= now) return "It has passed. Send a later one, or none.";
        if (time - now > Longest)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"It is more than {Longest.TotalDays} days ahead. Send an earlier one, or none.");
        }

        deadline = time.ToUniversalTime();
        return null;
    }

    // The parser alone would take a time without an offset as local time.
    [GeneratedRegex(@"\A\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})\z")]
    private static partial Regex Rfc3339();
}
