using System.Text.RegularExpressions;
using Microsoft.Net.Http.Headers;

namespace ImageClassifier.Web.Uploads;

/// <summary>Reads the file name in a part's <c>Content-Disposition</c>. Clients write it in many ways.</summary>
internal static partial class PartNames
{
    /// <summary>Reads the name.</summary>
    /// <param name="contentDisposition">The header; null if the part has none.</param>
    /// <returns>Null if the header has no file name; empty if the name is empty.</returns>
    public static string? Find(string? contentDisposition)
    {
        if (string.IsNullOrEmpty(contentDisposition)) return null;
        if (!ContentDispositionHeaderValue.TryParse(contentDisposition, out var disposition))
            return FindLeniently(contentDisposition);

        // FileNameStar throws if the header has the parameter filename* without a value.
        var encoded = NameValueHeaderValue.Find(disposition.Parameters, "filename*") is { Value.Length: > 0 } parameter
            && !BrokenEscape().IsMatch(parameter.Value.Value!)
            ? HeaderUtilities.RemoveQuotes(disposition.FileNameStar).Value
            : null;
        if (!string.IsNullOrEmpty(encoded)) return encoded;
        return disposition.FileName.Value is { } plain ? Unescape(plain) : null;
    }

    /// <summary>Reads the name of the form's field; null if the header has none.</summary>
    public static string? FieldOf(string? contentDisposition) =>
        !string.IsNullOrEmpty(contentDisposition)
        && ContentDispositionHeaderValue.TryParse(contentDisposition, out var disposition)
            ? HeaderUtilities.RemoveQuotes(disposition.Name).Value
            : null;

    // Some clients do not escape spaces, brackets or quotes in the header.
    private static string? FindLeniently(string header) =>
        NameParameter().Match(header) is { Success: true } match
            ? Unescape(HeaderUtilities.RemoveQuotes(match.Groups["value"].Value.Trim()).Value!)
            : null;

    /// <summary>Unescapes a quoted string. A quote inside is \" or, from browsers, %22. Other backslashes stay, because
    /// some clients send a whole Windows path unescaped.</summary>
    private static string Unescape(string quoted) =>
        EscapedCharacter().Replace(quoted, "$1").Replace("%22", "\"", StringComparison.Ordinal);

    // FileNameStar returns a name with a broken escape undecoded.
    [GeneratedRegex("%(?![0-9A-Fa-f]{2})")]
    private static partial Regex BrokenEscape();

    [GeneratedRegex("""\\(["\\])""")]
    private static partial Regex EscapedCharacter();

    [GeneratedRegex(""";\s*filename\s*=\s*(?<value>".*?"(?=\s*(;|$))|[^;]*)""", RegexOptions.IgnoreCase)]
    private static partial Regex NameParameter();
}
