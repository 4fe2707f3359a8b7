namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The condition keys for which <see cref="CallReader"/> gives a value if the call has one.</summary>
internal static class ConditionKeys
{
    public const string RequestedRegion = "aws:RequestedRegion";
    public const string RequestTag = "aws:RequestTag/";
    public const string ResourceTag = "aws:ResourceTag/";
    public const string CreateAction = "ec2:CreateAction";
    public const string InstanceType = "ec2:InstanceType";
    public const string LaunchTemplate = "ec2:LaunchTemplate";
    public const string MetadataHttpTokens = "ec2:MetadataHttpTokens";
    public const string PassedToService = "iam:PassedToService";
    public const string PermissionsBoundary = "iam:PermissionsBoundary";
    public const string ServiceName = "iam:AWSServiceName";

    // No call of these tests gives these keys a value. So a statement with one of them never matches.
    private const string GrantIsForAwsResource = "kms:GrantIsForAWSResource";
    private const string SessionTag = "ssm:resourceTag/";

    private static readonly string[] Names =
    [
        RequestedRegion, CreateAction, InstanceType, LaunchTemplate, MetadataHttpTokens, PassedToService,
        PermissionsBoundary, ServiceName, GrantIsForAwsResource,
    ];

    public static bool IsKnown(string key) =>
        Names.Contains(key) || new[] { RequestTag, ResourceTag, SessionTag }.Any(tag => key.StartsWith(tag, StringComparison.Ordinal));
}
