using System.Security.Cryptography;
using System.Text.RegularExpressions;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Access;

/// <summary>The keys that are let in, each with a name: <c>image-classifier.access.keys</c>. Only their hashes are
/// known.</summary>
public sealed partial class ApiKeys
{
    private const int LongestName = 40;

    private readonly (string Name, byte[] Hash)[] _keys;

    private ApiKeys((string Name, byte[] Hash)[] keys) => _keys = keys;

    /// <summary>Whether there is none: then everyone is let in.</summary>
    public bool IsEmpty => _keys.Length == 0;

    /// <summary>What a name may be, in words. So each name can be written in a file, in a variable and with
    /// <c>--set</c>, and is one in all of them.</summary>
    public static string NameRule => "1 to 40 lower-case letters, digits and hyphens, and no hyphen at an end";

    /// <summary>Whether a key may be called so.</summary>
    public static bool IsName(string text) => Name().IsMatch(text);

    /// <summary>Reads the keys.</summary>
    /// <exception cref="InvalidSettingException">A name is none, a value is no hash, or two names have the same key.
    /// The message does not show the value, which may be a key that was put there by mistake.</exception>
    public static ApiKeys Create(SettingsSection section)
    {
        var keys = new List<(string Name, byte[] Hash)>();
        foreach (var name in section.Names().Order(StringComparer.Ordinal))
        {
            // A key that was written in the place of its name is longer than any name.
            if (!IsName(name))
            {
                throw Wrong(
                    name.Length > LongestName ? InvalidSettingException.Hidden : name,
                    $"the name of a key is {NameRule}");
            }

            if (ApiKey.HashIn(section.Text(name)) is not { } hash)
            {
                throw Wrong(
                    name, $"allowed is what image-classifier key {name} prints, sha256: and 64 hexadecimal digits");
            }

            if (keys.Find(other => other.Hash.AsSpan().SequenceEqual(hash)) is { Name: { } twin })
                throw Wrong(name, $"it is the same key as {twin}, so a call could not be told whose it is");
            keys.Add((name, hash));
        }

        return new ApiKeys([.. keys]);

        InvalidSettingException Wrong(string name, string allowed) =>
            new(section.FullKey(name), InvalidSettingException.Hidden, allowed);
    }

    /// <summary>The name of the key that was sent; null where it is none of these. It takes the same time whatever was
    /// sent.</summary>
    public string? NameOf(string sent)
    {
        var hash = ApiKey.HashOf(sent);
        string? found = null;
        foreach (var (name, expected) in _keys)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, expected)) found = name;
        }

        return found;
    }

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\z")]
    private static partial Regex Name();
}
