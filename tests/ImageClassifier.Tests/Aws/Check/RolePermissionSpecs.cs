using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Check;
using Xunit;

namespace ImageClassifier.Tests.Aws.Check;

/// <summary>The check covers a role's permissions: the role's policy is enough, and the check reports each missing
/// part.</summary>
public sealed class RolePermissionSpecs
{
    [Theory]
    [InlineData(AwsRole.Web)]
    [InlineData(AwsRole.Node)]
    [InlineData(AwsRole.Operator)]
    [InlineData(AwsRole.Deployer)]
    public async Task A_role_with_its_own_policy_has_no_problem(AwsRole role)
    {
        var findings = await CheckAsync(role);

        Assert.All(findings, finding => Assert.False(finding.IsProblem, finding.ToString()));
        // A missing permission is never reported as good.
        Assert.Contains(findings, finding => finding.Verdict == CheckVerdict.NotChecked);
    }

    [Theory]
    [InlineData(AwsRole.Web, "sqs:SendMessage")]
    [InlineData(AwsRole.Web, "sqs:ReceiveMessage")]
    [InlineData(AwsRole.Web, "sqs:DeleteMessage")]
    [InlineData(AwsRole.Web, "sqs:ChangeMessageVisibility")]
    [InlineData(AwsRole.Web, "sqs:GetQueueAttributes")]
    [InlineData(AwsRole.Web, "s3:PutObject")]
    [InlineData(AwsRole.Web, "s3:GetObject")]
    [InlineData(AwsRole.Web, "s3:DeleteObject")]
    [InlineData(AwsRole.Web, "s3:ListBucket")]
    [InlineData(AwsRole.Web, "s3:AbortMultipartUpload")]
    [InlineData(AwsRole.Node, "sqs:SendMessage")]
    [InlineData(AwsRole.Node, "sqs:ReceiveMessage")]
    [InlineData(AwsRole.Node, "sqs:DeleteMessage")]
    [InlineData(AwsRole.Node, "sqs:ChangeMessageVisibility")]
    [InlineData(AwsRole.Node, "s3:PutObject")]
    [InlineData(AwsRole.Node, "s3:GetObject")]
    [InlineData(AwsRole.Node, "s3:DeleteObject")]
    [InlineData(AwsRole.Operator, "sqs:SendMessage")]
    [InlineData(AwsRole.Operator, "sqs:ReceiveMessage")]
    [InlineData(AwsRole.Operator, "s3:PutObject")]
    [InlineData(AwsRole.Operator, "s3:DeleteObject")]
    [InlineData(AwsRole.Operator, "s3:AbortMultipartUpload")]
    [InlineData(AwsRole.Deployer, "sqs:GetQueueAttributes")]
    public async Task A_missing_permission_is_reported(AwsRole role, string action) =>
        Assert.Contains(await CheckAsync(role, action), finding =>
            finding.IsProblem && finding.Text.StartsWith($"no permission for {action}", StringComparison.Ordinal));

    [Fact]
    public async Task A_node_may_write_the_verdict_of_a_model_and_nothing_else_of_it()
    {
        using var aws = new PolicedAws("node");
        var s3 = aws.Clients.S3();
        var model = $"models/fruit/{new string('a', 64)}";

        await PutAsync($"{model}/verdict.json");
        foreach (var key in new[] { $"{model}/files.json", $"{model}/{new string('b', 64)}", "models/active.json" })
        {
            var refused = await Assert.ThrowsAsync<AmazonS3Exception>(() => PutAsync(key));
            Assert.Equal("AccessDenied", refused.ErrorCode);
        }

        Task PutAsync(string key) => s3.PutObjectAsync(new PutObjectRequest
        {
            BucketName = PolicedAws.Settings.Bucket.Name,
            Key = key,
            ContentBody = "{}",
        });
    }

    private static async Task<IReadOnlyList<CheckFinding>> CheckAsync(AwsRole role, string? without = null)
    {
        using var aws = new PolicedAws($"{role}".ToLowerInvariant(), without);
        return await new AwsCheck(
            role, aws.Clients.Sqs(TimeSpan.Zero), aws.Clients.S3(), PolicedAws.Settings, TimeSpan.FromSeconds(15))
            .RunAsync(default);
    }
}
