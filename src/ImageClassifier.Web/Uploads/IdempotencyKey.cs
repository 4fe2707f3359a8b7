using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Uploads;

/// <summary>Within what an <c>Idempotency-Key</c> names one upload.</summary>
/// <param name="Call">The call, so that a key of one call means nothing to another.</param>
/// <param name="Caller">Who calls, so that no one comes to another's batch by guessing a key; null where callers have no
/// names. The key alone then has to be hard to guess.</param>
internal sealed record IdempotencyScope(string Call, string? Caller)
{
    /// <summary><c>POST /api/batches</c>.</summary>
    public static IdempotencyScope Batches { get; } = new("batches", null);

    /// <summary>The calls that wait for the one result.</summary>
    public static IdempotencyScope Classify { get; } = new("classify", null);
}

/// <summary>The header <c>Idempotency-Key</c>: names an upload, so that sending it again gives the same batch.</summary>
internal static class IdempotencyKey
{
    /// <summary>The header's name.</summary>
    public const string Header = "Idempotency-Key";

    private const int Longest = 255;
    private const char Separator = '\n';

    /// <summary>Reads the header.</summary>
    /// <param name="headers">Of the request.</param>
    /// <param name="scope">Within what the key names something.</param>
    /// <param name="digest">What stands for the key in the store: a SHA-256 as hexadecimal digits; null where there is no
    /// such header.</param>
    /// <returns>False where the header is there and is no key: 1 to 255 visible ASCII characters.</returns>
    public static bool TryRead(IHeaderDictionary headers, IdempotencyScope scope, out string? digest)
    {
        digest = null;
        var values = headers[Header];
        if (values.Count == 0) return true;
        if (values is not [{ } key] || !IsKey(key)) return false;
        digest = Digest(scope, key);
        return true;
    }

    private static bool IsKey([NotNullWhen(true)] string? text) =>
        text is { Length: > 0 and <= Longest } && text.All(c => c is > ' ' and <= '~');

    // No key holds the separator, so where it ends is certain whatever a caller is called.
    private static string Digest(IdempotencyScope scope, string key) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes($"{key}{Separator}{scope.Call}{Separator}{scope.Caller}")));
}
