using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Uploads;

/// <summary>The scope in which an <c>Idempotency-Key</c> is unique.</summary>
/// <param name="Call">The API call: a key of one call means nothing to another.</param>
/// <param name="Caller">The caller's name: nobody can reach another caller's batch by guessing its key. Null if callers
/// have no names; then only the key protects the batch.</param>
internal sealed record IdempotencyScope(string Call, string? Caller)
{
    /// <summary><c>POST /api/batches</c>.</summary>
    public static IdempotencyScope Batches { get; } = new("batches", null);

    /// <summary>The calls that wait for one result.</summary>
    public static IdempotencyScope Classify { get; } = new("classify", null);
}

/// <summary>The header <c>Idempotency-Key</c>. It names an upload: a repeated request gets the same batch.</summary>
internal static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";

    private const int Longest = 255;
    private const char Separator = '\n';

    /// <summary>Reads the header.</summary>
    /// <param name="headers">The request's headers.</param>
    /// <param name="scope">The key's scope.</param>
    /// <param name="digest">The key's digest for the store: a SHA-256 as hexadecimal digits; null if there is no
    /// header.</param>
    /// <returns>False if the header is invalid: a key has 1 to 255 visible ASCII characters.</returns>
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

    // A key cannot contain the separator, so no caller's name can make two keys collide.
    private static string Digest(IdempotencyScope scope, string key) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes($"{key}{Separator}{scope.Call}{Separator}{scope.Caller}")));
}
