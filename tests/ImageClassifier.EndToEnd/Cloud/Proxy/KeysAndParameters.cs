using System.Text.Json;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The permissions of calls to SSM and KMS. SQS and S3 call KMS directly, so the proxy does not see those
/// calls.</summary>
internal static class KeysAndParameters
{
    public static IReadOnlyList<NeededPermission> ReadSsm(SignedRequest request) => request.Operation switch
    {
        "GetParameter" => [OfParameter(request, request.Text("Name")!)],
        "GetParameters" =>
        [
            .. JsonSerializer.Deserialize<string[]>(request.Text("Names")!)!.Select(name => OfParameter(request, name)),
        ],
        var other => throw new NotModelledException($"ssm:{other}"),
    };

    public static IReadOnlyList<NeededPermission> ReadKms(SignedRequest request)
    {
        if (request.Operation is not ("DescribeKey" or "Decrypt" or "Encrypt" or "GenerateDataKey"))
            throw new NotModelledException($"kms:{request.Operation}");
        var key = request.Text("KeyId");
        // IAM compares ARNs. The proxy cannot find the ARN of another kind of name.
        return key is not null && key.StartsWith("arn:", StringComparison.Ordinal)
            ? [new NeededPermission($"kms:{request.Operation}", key)]
            : throw new NotModelledException($"the key {key}");
    }

    private static NeededPermission OfParameter(SignedRequest request, string name)
    {
        if (name.StartsWith("/aws/reference/", StringComparison.Ordinal))
            throw new NotModelledException($"what reading the secret {name} needs");
        // AWS's public parameters have no account in their ARN.
        var account = name.StartsWith("/aws/", StringComparison.Ordinal) ? "" : AccountFacts.Account;
        return new NeededPermission(
            $"ssm:{request.Operation}", $"arn:aws:ssm:{request.Region}:{account}:parameter/{name.TrimStart('/')}");
    }
}
