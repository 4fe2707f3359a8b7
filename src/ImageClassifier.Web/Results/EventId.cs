using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ImageClassifier.Web.Results;

/// <summary>Where an event stands: <c>{epoch}-{n}</c>. The epoch names one life of the batch's actor, and n counts its
/// events from 1. Within an epoch a client can resume after n; an id of another epoch says nothing.</summary>
/// <param name="Epoch">Letters and digits.</param>
/// <param name="Number">From 1; 0 stands for the place before the first event.</param>
public readonly record struct EventId(string Epoch, int Number)
{
    private const int LongestText = 64;

    /// <summary>Reads an id that a client sent.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out EventId id)
    {
        id = default;
        if (text is null or { Length: > LongestText }) return false;
        var dash = text.LastIndexOf('-');
        if (dash <= 0 || !int.TryParse(text.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        id = new EventId(text[..dash], number);
        return true;
    }

    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Epoch}-{Number}");
}
