using System.Buffers.Text;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.Access;

namespace ImageClassifier.Web.Callbacks;

/// <summary>The secrets that sign deliveries, by the name of the API key that asked for them. A key has one secret, or
/// two while receivers change from the old one to the new one.</summary>
public sealed class CallbackSecrets
{
    /// <summary>The name for callers without a key, if the service needs none.</summary>
    public const string WithoutKey = "anyone";

    private const string Prefix = "whsec_";
    private const int Most = 2;

    // The lengths that the specification of Standard Webhooks allows.
    private const int FewestBytes = 24;
    private const int MostBytes = 64;

    private readonly Dictionary<string, IReadOnlyList<byte[]>> _secrets;

    private CallbackSecrets(Dictionary<string, IReadOnlyList<byte[]>> secrets) => _secrets = secrets;

    /// <summary>Whether there are no secrets: then nobody may ask for callbacks.</summary>
    public bool IsEmpty => _secrets.Count == 0;

    /// <summary>Reads the secrets.</summary>
    /// <exception cref="InvalidSettingException">A name or a secret is invalid. The message hides the value.</exception>
    public static CallbackSecrets Create(SettingsSection section)
    {
        var secrets = new Dictionary<string, IReadOnlyList<byte[]>>();
        foreach (var name in section.Names())
        {
            // A name that is too long may be a secret in the wrong place.
            if (!ApiKeys.IsName(name))
            {
                throw new InvalidSettingException(
                    section.FullKey(InvalidSettingException.Hidden), InvalidSettingException.Hidden,
                    $"the name of a key is {ApiKeys.NameRule}");
            }

            var parsed = section.Words(name).Select(SecretIn).ToArray();
            if (parsed.Length is 0 or > Most || Array.Exists(parsed, secret => secret is null))
            {
                throw new InvalidSettingException(section.FullKey(name), InvalidSettingException.Hidden,
                    "allowed is whsec_ and the base64 of 24 to 64 bytes, or two of these, separated by a comma");
            }

            secrets.Add(name, parsed!);
        }

        return new CallbackSecrets(secrets);
    }

    /// <summary>The secrets of a key; none if it has none.</summary>
    /// <param name="key">The key's name; null for a caller without a key.</param>
    public IReadOnlyList<byte[]> Of(string? key) => _secrets.GetValueOrDefault(key ?? WithoutKey) ?? [];

    private static byte[]? SecretIn(string text)
    {
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        var digits = text[Prefix.Length..];
        if (!Base64.IsValid(digits)) return null;
        var secret = Convert.FromBase64String(digits);
        return secret.Length is >= FewestBytes and <= MostBytes ? secret : null;
    }
}
