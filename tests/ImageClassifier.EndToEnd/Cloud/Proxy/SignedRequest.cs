using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>A request to AWS with the caller, region and service of its signature.</summary>
internal sealed partial class SignedRequest
{
    private SignedRequest(HttpRequest request, byte[] body, Match credential)
    {
        Http = request;
        Body = body;
        AccessKey = credential.Groups[1].Value;
        Region = credential.Groups[2].Value;
        Service = credential.Groups[3].Value;
    }

    public HttpRequest Http { get; }

    public byte[] Body { get; }

    public string AccessKey { get; }

    public string Region { get; }

    public string Service { get; }

    /// <summary>Path and query as they were sent. The keys of S3 must not be encoded again.</summary>
    public string Target => Http.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;

    /// <summary>The fields of the query protocol, which EC2 and IAM use.</summary>
    public IReadOnlyDictionary<string, string> Form => field ??= QueryHelpers
        .ParseQuery(Encoding.UTF8.GetString(Body)).ToDictionary(entry => entry.Key, entry => entry.Value.ToString());

    /// <summary>The operation of the JSON protocol (SQS, SSM, KMS) or of the query protocol.</summary>
    public string Operation =>
        Http.Headers["X-Amz-Target"].ToString() is { Length: > 0 } target
            ? target[(target.LastIndexOf('.') + 1)..]
            : Form["Action"];

    /// <summary>Reads a whole request.</summary>
    /// <exception cref="NotModelledException">The request is not signed as AWS requires.</exception>
    public static async Task<SignedRequest> ReadAsync(HttpRequest request)
    {
        var credential = Credential().Match(request.Headers.Authorization.ToString());
        if (!credential.Success) throw new NotModelledException($"who calls {request.Method} {request.Path}");
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        return new SignedRequest(request, body.ToArray(), credential);
    }

    /// <summary>A text of the body; null if it is missing. Both protocols use the same field names.</summary>
    public string? Text(string name)
    {
        if (!Http.Headers.ContainsKey("X-Amz-Target")) return Form.GetValueOrDefault(name);
        using var json = JsonDocument.Parse(Body);
        return json.RootElement.TryGetProperty(name, out var value) ? value.ToString() : null;
    }

    [GeneratedRegex(@"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")]
    private static partial Regex Credential();
}
