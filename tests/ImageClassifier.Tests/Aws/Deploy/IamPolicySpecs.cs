using System.Text.Json;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Aws.Deploy;

/// <summary>The policies in <c>deploy/iam</c> allow the adapter's calls to AWS, and no other calls of those services. A
/// new call needs a row in each of the two tables.</summary>
public class IamPolicySpecs
{
    /// <summary>The name of a call's permission in IAM.</summary>
    private static readonly Dictionary<string, string[]> ActionsOf = new()
    {
        ["IAmazonSQS.GetQueueUrlAsync"] = ["sqs:GetQueueUrl"],
        ["IAmazonSQS.GetQueueAttributesAsync"] = ["sqs:GetQueueAttributes"],
        ["IAmazonSQS.SetQueueAttributesAsync"] = ["sqs:SetQueueAttributes"],
        ["IAmazonSQS.CreateQueueAsync"] = ["sqs:CreateQueue"],
        ["IAmazonSQS.SendMessageBatchAsync"] = ["sqs:SendMessage"],
        ["IAmazonSQS.ReceiveMessageAsync"] = ["sqs:ReceiveMessage"],
        ["IAmazonSQS.DeleteMessageBatchAsync"] = ["sqs:DeleteMessage"],
        ["IAmazonSQS.ChangeMessageVisibilityBatchAsync"] = ["sqs:ChangeMessageVisibility"],

        // Without ListBucket, S3 answers 403 for a missing object, as for a missing permission.
        ["IAmazonS3.GetObjectAsync"] = ["s3:GetObject", "s3:ListBucket"],
        ["IAmazonS3.PutObjectAsync"] = ["s3:PutObject"],
        ["IAmazonS3.DeleteObjectAsync"] = ["s3:DeleteObject"],
        ["IAmazonS3.ListObjectsV2Async"] = ["s3:ListBucket"],
        ["IAmazonS3.InitiateMultipartUploadAsync"] = ["s3:PutObject"],
        ["IAmazonS3.UploadPartAsync"] = ["s3:PutObject"],
        ["IAmazonS3.CompleteMultipartUploadAsync"] = ["s3:PutObject"],
        ["IAmazonS3.AbortMultipartUploadAsync"] = ["s3:AbortMultipartUpload"],
        ["IAmazonS3.HeadBucketAsync"] = ["s3:ListBucket"],
        ["IAmazonS3.PutBucketAsync"] = ["s3:CreateBucket"],
        ["IAmazonS3.GetPublicAccessBlockAsync"] = ["s3:GetBucketPublicAccessBlock"],
        ["IAmazonS3.PutPublicAccessBlockAsync"] = ["s3:PutBucketPublicAccessBlock"],
        ["IAmazonS3.GetBucketEncryptionAsync"] = ["s3:GetEncryptionConfiguration"],
        ["IAmazonS3.PutBucketEncryptionAsync"] = ["s3:PutEncryptionConfiguration"],
        ["IAmazonS3.GetBucketVersioningAsync"] = ["s3:GetBucketVersioning"],
        ["IAmazonS3.PutBucketVersioningAsync"] = ["s3:PutBucketVersioning"],
        ["IAmazonS3.GetLifecycleConfigurationAsync"] = ["s3:GetLifecycleConfiguration"],
        ["IAmazonS3.PutLifecycleConfigurationAsync"] = ["s3:PutLifecycleConfiguration"],

        // A launch tags the instances and gives them a role. CreateFleet launches with the caller's permissions.
        ["IAmazonEC2.RunInstancesAsync"] = ["ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"],
        ["IAmazonEC2.CreateFleetAsync"] = ["ec2:CreateFleet", "ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"],
        ["IAmazonEC2.DescribeInstancesAsync"] = ["ec2:DescribeInstances"],
        ["IAmazonEC2.DescribeLaunchTemplateVersionsAsync"] = ["ec2:DescribeLaunchTemplateVersions"],
        ["IAmazonEC2.TerminateInstancesAsync"] = ["ec2:TerminateInstances"],

        ["IAmazonSimpleSystemsManagement.GetParameterAsync"] = ["ssm:GetParameter"],

        ["IAmazonKeyManagementService.GenerateDataKeyAsync"] = ["kms:GenerateDataKey"],
        ["IAmazonKeyManagementService.DecryptAsync"] = ["kms:Decrypt"],
    };

    /// <summary>The callers of each method, and their roles. The first matching row counts; <c>*</c> is any
    /// method.</summary>
    private static readonly (string Caller, string Method, string Roles)[] RolesOf =
    [
        ("SqsQueueUrls", "*", "web node operator deployer"),
        ("SqsMessageQueue", "IAmazonSQS.GetQueueAttributesAsync", "web node"),
        ("SqsMessageQueue", "*", "web node operator"),
        ("S3ObjectStore", "IAmazonS3.GetObjectAsync", "web node operator"),
        ("S3ObjectStore", "IAmazonS3.PutObjectAsync", "web node operator"),
        ("S3ObjectStore", "IAmazonS3.DeleteObjectAsync", "web node operator"),
        // Pictures by reference. The operator allows each bucket by a statement of its own.
        ("S3BucketReader", "IAmazonS3.GetObjectAsync", "node"),
        // Only the web tier and the registry's verbs list objects. Only uploads and models are large enough for parts.
        ("S3ObjectStore", "*", "web operator"),
        ("Ec2InstanceFleet", "*", "web"),
        ("Ec2WebNodes", "*", "web"),
        ("RunInstancesStep", "*", "web"),
        ("CreateFleetStep", "*", "web"),
        ("LaunchTemplateFacts", "*", "web"),
        // People run "aws check" on the web instance. It checks the bucket's settings by provisioning's dry run.
        ("AwsCheck", "*", "web"),
        ("QueueCheck", "*", "web"),
        ("QueueAttributeCheck", "*", "web"),
        ("BucketCheck", "*", "web"),
        ("BucketSettingsCheck", "*", "web"),
        ("StorageTrial", "*", "web"),
        ("LaunchCheck", "*", "web"),
        // These try the calls of the checked role. RolePermissionSpecs compares them with each policy.
        ("QueuePermissionCheck", "*", ""),
        ("ObjectPermissionCheck", "*", ""),
        ("BucketProvisioning", "IAmazonS3.HeadBucketAsync", "web deployer"),
        ("BucketProvisioning", "IAmazonS3.GetPublicAccessBlockAsync", "web deployer"),
        ("BucketProvisioning", "IAmazonS3.GetBucketEncryptionAsync", "web deployer"),
        ("BucketProvisioning", "IAmazonS3.GetBucketVersioningAsync", "web deployer"),
        ("BucketProvisioning", "IAmazonS3.GetLifecycleConfigurationAsync", "web deployer"),
        ("BucketProvisioning", "*", "deployer"),
        ("QueueProvisioning", "*", "deployer"),
        ("KeyCheck", "*", "web node operator"),
        ("SettingsParameter", "*", "web node"),
    ];

    private static readonly IReadOnlySet<SdkCall> Calls = SdkCalls.In(typeof(AwsClients).Assembly.Location);

    [Fact]
    public void Every_call_of_the_sdk_is_in_the_tables()
    {
        var withoutActions = Calls.Select(call => call.Method).Except(ActionsOf.Keys).ToArray();
        var withoutRoles = Calls.Where(call => RolesOf.All(row => !Fits(row, call))).ToArray();

        Assert.NotEmpty(Calls);
        Assert.Empty(withoutActions);
        Assert.Empty(withoutRoles);
    }

    [Theory]
    [InlineData("web")]
    [InlineData("node")]
    [InlineData("operator")]
    [InlineData("deployer")]
    public void A_policy_allows_what_its_role_calls(string role) =>
        Assert.Empty(NeededBy(role).Except(AllowedTo(role)).Order());

    /// <summary>The deployer needs more, because CloudFormation acts with the deployer's permissions.</summary>
    [Theory]
    [InlineData("web")]
    [InlineData("node")]
    [InlineData("operator")]
    public void A_policy_allows_no_call_that_its_role_does_not_make(string role)
    {
        var services = ActionsOf.Values.SelectMany(actions => actions).Select(ServiceOf).ToHashSet();

        Assert.Empty(AllowedTo(role).Where(action => services.Contains(ServiceOf(action)))
            .Except(NeededBy(role)).Except(ByNobodyInTheAdapter(role)).Order());
    }

    /// <summary>The permissions of deployed parts that are not the adapter's code.</summary>
    private static IEnumerable<string> ByNobodyInTheAdapter(string role) => role switch
    {
        // EC2 creates the role of Spot and uses the key of volumes as the caller. The agent of Session Manager
        // registers.
        "web" =>
        [
            "iam:CreateServiceLinkedRole", "ssm:UpdateInstanceInformation", "kms:CreateGrant", "kms:DescribeKey",
            "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
        ],
        "node" => ["ssm:UpdateInstanceInformation"],
        // The access for people.
        "operator" =>
        [
            "ec2:DescribeInstances", "ec2:GetConsoleOutput", "ssm:ResumeSession", "ssm:StartSession",
            "ssm:TerminateSession",
        ],
        _ => [],
    };

    private static HashSet<string> NeededBy(string role) => Calls
        .Where(call => RolesOf.FirstOrDefault(row => Fits(row, call)).Roles?.Split(' ').Contains(role) ?? false)
        .SelectMany(call => ActionsOf.GetValueOrDefault(call.Method) ?? [])
        .ToHashSet();

    private static HashSet<string> AllowedTo(string role)
    {
        using var policy = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(Repository.Root, "deploy", "iam", $"{role}.json")));
        return policy.RootElement.GetProperty("Statement").EnumerateArray()
            .Where(statement => statement.GetProperty("Effect").GetString() == "Allow")
            .Select(statement => statement.GetProperty("Action"))
            .SelectMany(action => action.ValueKind == JsonValueKind.Array
                ? action.EnumerateArray().Select(one => one.GetString()!)
                : [action.GetString()!])
            .ToHashSet();
    }

    private static bool Fits((string Caller, string Method, string Roles) row, SdkCall call) =>
        row.Caller == call.Caller && (row.Method == "*" || row.Method == call.Method);

    private static string ServiceOf(string action) => action.Split(':')[0];
}
