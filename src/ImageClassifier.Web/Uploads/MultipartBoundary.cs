using System.Text.RegularExpressions;
using Microsoft.Net.Http.Headers;

namespace ImageClassifier.Web.Uploads;

/// <summary>Reads the boundary of a form from its <c>Content-Type</c>.</summary>
internal static partial class MultipartBoundary
{
    private const int Longest = 70;

    /// <summary>Finds the boundary.</summary>
    /// <returns>Null if the body is no form, or if the boundary is missing or longer than RFC 2046 allows.</returns>
    public static string? Find(string? contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type)) return FindUnquoted(contentType);
        if (!type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)) return null;
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        return boundary is { Length: > 0 and <= Longest } ? boundary : null;
    }

    // RFC 2046 requires quotes around a boundary with characters such as "=". Mail libraries send ----=_Part_0 without.
    private static string? FindUnquoted(string? contentType) =>
        UnquotedBoundary().Match(contentType ?? "") is { Success: true } match ? match.Groups["boundary"].Value : null;

    [GeneratedRegex(
        """^\s*multipart/form-data\s*;(.*;)?\s*boundary=(?<boundary>[0-9a-z'()+_,\-./:=?]{1,70})\s*(;.*)?$""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex UnquotedBoundary();
}
