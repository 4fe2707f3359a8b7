using ImageClassifier.EndToEnd.Cloud.Proxy;
using Xunit;

namespace ImageClassifier.EndToEnd.Cloud;

/// <summary><c>aws check</c> by each role with its own policy.</summary>
public sealed class AwsCheckSpecs(SharedCloud shared) : IClassFixture<SharedCloud>
{
    private static readonly CloudRole[] Roles =
        [CloudRole.Deployer, CloudRole.Web, CloudRole.Node, CloudRole.Operator];

    // A role that may only send and receive.
    private static readonly CloudRole Messenger = new("messenger");

    [SkippableFact]
    public async Task Every_role_finds_a_healthy_deployment_healthy_and_may_make_the_calls_of_the_check()
    {
        var cloud = await shared.OpenAsync();
        await cloud.ProvisionAsync();
        foreach (var role in Roles)
        {
            var (exitCode, output, error) = await cloud.RunAsync(role, "aws", "check", "--as", role.Name);

            Assert.True(exitCode == 0, $"{role.Name}:\n{output}\n{error}");
            Assert.DoesNotContain("wrong", output, StringComparison.Ordinal);
        }

        Assert.DoesNotContain(cloud.Proxy.Refused, refusal => refusal.Role != Messenger.Name);
        cloud.Proxy.AssertAllUnderstood();
    }

    [SkippableFact]
    public async Task A_missing_permission_of_a_role_is_reported()
    {
        var cloud = await shared.OpenAsync();
        await cloud.ProvisionAsync();
        const string policy = """{"Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}""";
        cloud.Proxy.Admit(
            Messenger.Name, Messenger.AccessKey, IamPolicy.Parse(policy, new Dictionary<string, string>()));

        var (exitCode, output, _) = await cloud.RunAsync(Messenger, "aws", "check", "--as", "node");

        Assert.Equal(1, exitCode);
        Assert.Contains("s3:GetObject", output, StringComparison.Ordinal);
    }
}
