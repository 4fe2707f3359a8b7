using System.Text.Json;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Access;

namespace ImageClassifier.Host.CommandLine;

/// <summary>The output of the verb <c>key</c>.</summary>
/// <param name="Name">The name of the key.</param>
/// <param name="Key">The key. The program prints it and does not keep it.</param>
/// <param name="Setting">The setting's full name.</param>
/// <param name="Hash">The value of the setting.</param>
/// <param name="Variable">The environment variable of the same setting.</param>
public sealed record NewKey(string Name, string Key, string Setting, string Hash, string Variable)
{
    /// <summary>Creates a random key.</summary>
    /// <param name="name">A name that <see cref="ApiKeys.IsName"/>.</param>
    public static NewKey For(string name)
    {
        var key = ApiKey.New();
        return new NewKey(
            name, key, $"image-classifier.access.keys.{name}", ApiKey.SettingOf(key),
            $"IMAGE_CLASSIFIER__ACCESS__KEYS__{name.Replace('-', '_').ToUpperInvariant()}");
    }

    /// <summary>Prints it, as lines for people or as one JSON object.</summary>
    public void Print(TextWriter output, bool asJson)
    {
        if (asJson)
        {
            output.WriteLine(JsonSerializer.Serialize(this, WireJson.Options));
            return;
        }

        output.WriteLine($"""
            The key, which is shown this once:
              {Key}
            The setting that accepts it, for a settings file (--config) or as a variable. The web tier reads it at its start:
              {Setting} = "{Hash}"
              {Variable}={Hash}
            """);
    }
}
