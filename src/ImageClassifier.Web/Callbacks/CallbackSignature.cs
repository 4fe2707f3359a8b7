using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ImageClassifier.Web.Callbacks;

/// <summary>Signs deliveries as Standard Webhooks 1.0 specifies.</summary>
internal static class CallbackSignature
{
    // The version that says HMAC-SHA256.
    private const string Version = "v1";

    /// <summary>The header <c>webhook-signature</c>: a signature for each secret.</summary>
    /// <param name="secrets">The secrets.</param>
    /// <param name="id">The header <c>webhook-id</c>.</param>
    /// <param name="timestamp">The header <c>webhook-timestamp</c>.</param>
    /// <param name="body">The body.</param>
    public static string Of(IEnumerable<byte[]> secrets, string id, long timestamp, string body)
    {
        var signed = Encoding.UTF8.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.{body}"));
        return string.Join(' ', secrets.Select(secret =>
            $"{Version},{Convert.ToBase64String(HMACSHA256.HashData(secret, signed))}"));
    }
}
