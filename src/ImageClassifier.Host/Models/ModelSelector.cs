using ImageClassifier.Core.Registry;

namespace ImageClassifier.Host.Models;

/// <summary>Chooses a version of a model in the registry. Its text is <c>NAME</c>, or <c>NAME@SHA</c> with some digits of the
/// SHA-256.</summary>
/// <param name="Name">The name of the model.</param>
/// <param name="Digits">The first digits of its SHA-256; empty for the only version.</param>
internal sealed record ModelSelector(string Name, string Digits)
{
    /// <summary>The fewest digits. With fewer, another version could have the same ones by chance.</summary>
    public const int FewestDigits = 8;

    /// <summary>Parses the text of an argument.</summary>
    /// <exception cref="ModelFailureException">It is wrong use.</exception>
    public static ModelSelector Parse(string text)
    {
        var parts = text.Split('@', 2);
        if (!ModelName.IsValid(parts[0]))
        {
            throw new ModelFailureException($"\"{parts[0]}\" is no name of a model: {ModelName.Rule}.")
            {
                IsWrongUse = true,
            };
        }

        if (parts.Length == 1) return new ModelSelector(parts[0], "");
        var digits = parts[1].ToLowerInvariant();
        return digits.Length is >= FewestDigits and <= ModelReference.Digits && digits.All(char.IsAsciiHexDigitLower)
            ? new ModelSelector(parts[0], digits)
            : throw new ModelFailureException(
                $"\"{parts[1]}\" is no beginning of a SHA-256: it needs {FewestDigits} to {ModelReference.Digits} hexadecimal "
                + "digits, as models registry shows them.")
            { IsWrongUse = true };
    }
}
