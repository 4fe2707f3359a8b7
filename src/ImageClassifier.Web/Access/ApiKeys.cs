using System.Security.Cryptography;
using System.Text.RegularExpressions;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Access;

/// <summary>The accepted keys by name: <c>image-classifier.access.keys</c>. Only their hashes are known.</summary>
public sealed partial class ApiKeys
{
    private const int LongestName = 40;

    private readonly (string Name, byte[] Hash)[] _keys;

    private ApiKeys((string Name, byte[] Hash)[] keys) => _keys = keys;

    /// <summary>Whether there are no keys: then everyone may call.</summary>
    public bool IsEmpty => _keys.Length == 0;

    /// <summary>The rule for names, in words. Such a name can be written in a file, in an environment variable and with
    /// <c>--set</c>.</summary>
    public static string NameRule => "1 to 40 lower-case letters, digits and hyphens, and no hyphen at an end";

    /// <summary>Whether a text can be the name of a key.</summary>
    public static bool IsName(string text) => Name().IsMatch(text);

    /// <summary>Reads the keys.</summary>
    /// <exception cref="InvalidSettingException">A name or a hash is invalid, or two names have the same key. The
    /// message hides the value: it may be a key that was entered by mistake.</exception>
    public static ApiKeys Create(SettingsSection section)
    {
        var keys = new List<(string Name, byte[] Hash)>();
        foreach (var name in section.Names().Order(StringComparer.Ordinal))
        {
            // A name that is too long may be a key in the wrong place, so the message hides it.
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
                throw Wrong(name, $"it is the same key as {twin}, so it would not identify the caller");
            keys.Add((name, hash));
        }

        return new ApiKeys([.. keys]);

        InvalidSettingException Wrong(string name, string allowed) =>
            new(section.FullKey(name), InvalidSettingException.Hidden, allowed);
    }

    /// <summary>The name of a key; null if the key is wrong. It takes the same time for every input.</summary>
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
