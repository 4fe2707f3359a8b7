using System.Text.RegularExpressions;
using Microsoft.Net.Http.Headers;

namespace ImageClassifier.Web.Uploads;

/// <summary>The file name in a part's <c>Content-Disposition</c>, as the many kinds of client write it.</summary>
internal static partial class PartNames
{
    /// <summary>Reads the name.</summary>
    /// <param name="contentDisposition">The header; null where the part has none.</param>
    /// <returns>Null where the header names no file; empty where the name is empty.</returns>
    public static string? Find(string? contentDisposition)
    {
        if (string.IsNullOrEmpty(contentDisposition)) return null;
        if (!ContentDispositionHeaderValue.TryParse(contentDisposition, out var disposition))
            return FindLeniently(contentDisposition);

        // The header throws when it is asked for an encoded name that is there without a value.
        var encoded = NameValueHeaderValue.Find(disposition.Parameters, "filename*") is { Value.Length: > 0 } parameter
            && !BrokenEscape().IsMatch(parameter.Value.Value!)
            ? HeaderUtilities.RemoveQuotes(disposition.FileNameStar).Value
            : null;
        if (!string.IsNullOrEmpty(encoded)) return encoded;
        return disposition.FileName.Value is { } plain ? Unescape(plain) : null;
    }

    // Some clients leave spaces, brackets or quotes in a header as they are.
    private static string? FindLeniently(string header) =>
        NameParameter().Match(header) is { Success: true } match
            ? Unescape(HeaderUtilities.RemoveQuotes(match.Groups["value"].Value.Trim()).Value!)
            : null;

    /// <summary>The text of a quoted string. A quote in it is \" or, from browsers, %22. Other backslashes stay: some
    /// clients send a whole Windows path, unescaped.</summary>
    private static string Unescape(string quoted) =>
        EscapedCharacter().Replace(quoted, "$1").Replace("%22", "\"", StringComparison.Ordinal);

    // The header gives a name that it cannot decode as it was sent.
    [GeneratedRegex("%(?![0-9A-Fa-f]{2})")]
    private static partial Regex BrokenEscape();

    [GeneratedRegex("""\\(["\\])""")]
    private static partial Regex EscapedCharacter();

    [GeneratedRegex(""";\s*filename\s*=\s*(?<value>".*?"(?=\s*(;|$))|[^;]*)""", RegexOptions.IgnoreCase)]
    private static partial Regex NameParameter();
}
