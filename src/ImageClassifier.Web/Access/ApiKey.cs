using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ImageClassifier.Web.Access;

/// <summary>
/// The secret that lets a caller in: 256 random bits. No one guesses or tries them out, so their plain SHA-256 in the
/// settings gives nothing away; slow and salted hashes are for secrets that people think up.
/// </summary>
public static partial class ApiKey
{
    private const string KeyPrefix = "ick_";
    private const string HashPrefix = "sha256:";
    private const int Bits = 256;

    /// <summary>Draws a new key from the cryptographic random source. Its beginning tells people, and programs that
    /// look for secrets where they must not be, what it is.</summary>
    public static string New() => KeyPrefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bits / 8));

    /// <summary>What stands for a key in the settings: <c>sha256:</c> and 64 lower-case hexadecimal digits.</summary>
    public static string SettingOf(string key) => HashPrefix + Convert.ToHexStringLower(HashOf(key));

    /// <summary>The text without the keys in it, for a message that may show what was mistyped.</summary>
    public static string HideIn(string text) => Key().Replace(text, $"{KeyPrefix}(hidden)");

    /// <summary>The SHA-256 of a key's UTF-8 bytes.</summary>
    internal static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>The hash that a setting holds; null where it holds none.</summary>
    internal static byte[]? HashIn(string setting)
    {
        if (!setting.StartsWith(HashPrefix, StringComparison.Ordinal)) return null;
        var digits = setting[HashPrefix.Length..];
        return digits.Length == SHA256.HashSizeInBytes * 2 && digits.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(digits)
            : null;
    }

    [GeneratedRegex($"{KeyPrefix}[0-9A-Za-z_-]+")]
    private static partial Regex Key();
}
