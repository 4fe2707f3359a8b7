using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ImageClassifier.Web.Access;

/// <summary>
/// An API key: 256 random bits. They cannot be guessed, so the settings hold a plain SHA-256. Slow, salted hashes are
/// for passwords that people choose.
/// </summary>
public static partial class ApiKey
{
    private const string KeyPrefix = "ick_";
    private const string HashPrefix = "sha256:";
    private const int Bits = 256;

    /// <summary>Draws a new key from the cryptographic random source. Its prefix identifies it to people and to secret
    /// scanners.</summary>
    public static string New() => KeyPrefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bits / 8));

    /// <summary>The form of a key in the settings: <c>sha256:</c> and 64 lower-case hexadecimal digits.</summary>
    public static string SettingOf(string key) => HashPrefix + Convert.ToHexStringLower(HashOf(key));

    /// <summary>Hides the keys in a text, for a message that quotes user input.</summary>
    public static string HideIn(string text) => Key().Replace(text, $"{KeyPrefix}(hidden)");

    /// <summary>The SHA-256 of a key's UTF-8 bytes.</summary>
    internal static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>The hash in a setting; null if it contains none.</summary>
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
