using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ImageClassifier.Web.Results;

/// <summary>The position of an event: <c>{epoch}-{n}</c>. The epoch identifies one life of the batch's actor, and n
/// counts its events from 1. A client can resume after n within the same epoch only.</summary>
/// <param name="Epoch">Letters and digits.</param>
/// <param name="Number">From 1; 0 is the position before the first event.</param>
public readonly record struct EventId(string Epoch, int Number)
{
    private const int LongestText = 64;

    /// <summary>Parses an id from a client.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out EventId id)
    {
        id = default;
        if (text is null or { Length: > LongestText }) return false;
        var dash = text.LastIndexOf('-');
        if (dash <= 0
            || !int.TryParse(text.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        id = new EventId(text[..dash], number);
        return true;
    }

    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Epoch}-{Number}");
}
