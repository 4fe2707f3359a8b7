using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace ImageClassifier.Core.Registry;

/// <summary>Names one version of a model in the registry. Its text is <c>NAME@SHA256</c>.</summary>
/// <param name="Name">The name under which it was pushed.</param>
/// <param name="Sha256">The SHA-256 of the model (<see cref="Messages.ModelIdentity.Sha256"/>): 64 lower-case hexadecimal
/// digits.</param>
public sealed record ModelReference(string Name, string Sha256)
{
    /// <summary>The number of digits of a SHA-256.</summary>
    public const int Digits = 64;

    /// <summary>True if both parts are well-formed.</summary>
    [JsonIgnore]
    public bool IsValid => Name is not null && ModelName.IsValid(Name) && IsHash(Sha256);

    /// <summary>Parses <c>NAME@SHA256</c> with all 64 digits.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ModelReference? reference)
    {
        var parts = text.Split('@');
        reference = parts.Length == 2 ? new ModelReference(parts[0], parts[1]) : null;
        if (reference is { IsValid: false }) reference = null;
        return reference is not null;
    }

    /// <summary>True if the text is a SHA-256 as lower-case hexadecimal digits.</summary>
    public static bool IsHash(string? text) => text is { Length: Digits } && text.All(char.IsAsciiHexDigitLower);

    /// <inheritdoc />
    public override string ToString() => $"{Name}@{Sha256}";
}
