using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.CommandLine;

/// <summary>JSON for terminals.</summary>
internal static class TerminalJson
{
    private static readonly JsonSerializerOptions Options = new(WireJson.Options)
    {
        // File names keep their letters, because the output is for terminals and not for web pages.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>A document on one line. Invisible characters are escaped: a terminal ignores the escape, and JSON
    /// readers turn it back into the character.</summary>
    public static string Write<T>(T document)
    {
        var json = JsonSerializer.Serialize(document, Options);
        var escaped = new StringBuilder(json.Length);
        foreach (var character in json.EnumerateRunes())
        {
            var text = character.ToString();
            escaped.Append(UntrustedText.IsInvisible(character) ? string.Concat(text.Select(Escape)) : text);
        }

        return escaped.ToString();
    }

    private static string Escape(char unit) => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
}
