namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>Finds the permissions that a request needs.</summary>
internal sealed class CallReader(AccountFacts facts)
{
    private readonly Ec2Calls _ec2 = new(facts);

    /// <summary>All permissions that a request needs.</summary>
    /// <exception cref="NotModelledException">These tests do not know the call.</exception>
    public async Task<IReadOnlyList<NeededPermission>> ReadAsync(SignedRequest request) => request.Service switch
    {
        "sqs" => SqsCalls.Read(request),
        "s3" => S3Calls.Read(request),
        "ec2" => await _ec2.ReadAsync(request),
        "iam" => IamCalls.Read(request),
        "ssm" => KeysAndParameters.ReadSsm(request),
        "kms" => KeysAndParameters.ReadKms(request),
        var other => throw new NotModelledException($"the service {other}"),
    };
}
