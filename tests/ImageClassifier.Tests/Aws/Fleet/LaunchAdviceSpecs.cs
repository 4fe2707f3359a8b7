using ImageClassifier.Adapters.Aws.Fleet;
using Xunit;

namespace ImageClassifier.Tests.Aws.Fleet;

public class LaunchAdviceSpecs
{
    [Theory]
    [InlineData("AuthFailure.ServiceLinkedRoleCreationNotPermitted", "aws iam create-service-linked-role")]
    [InlineData("ServiceLinkedRoleCreationNotPermitted", "--aws-service-name spot.amazonaws.com")]
    [InlineData("VcpuLimitExceeded", "Service Quotas")]
    [InlineData("MaxSpotInstanceCountExceeded", "Service Quotas")]
    [InlineData("UnauthorizedOperation", "deploy/iam/web.json")]
    [InlineData("InvalidAMIID.NotFound", "make-ami.sh")]
    [InlineData("InvalidSubnetID.NotFound", "fleet.ec2.subnets")]
    [InlineData("InvalidLaunchTemplateId.NotFound", "fleet.ec2.launch-template")]
    [InlineData("UnsupportedOperation", "architecture")]
    [InlineData("OptInRequired", "Enable the region")]
    [InlineData("PendingVerification", "AWS Support")]
    [InlineData("InsufficientInstanceCapacity", "More types")]
    [InlineData("EC2ThrottledException", "tried again")]
    [InlineData("SomethingNew", "log has EC2's message")]
    public void A_code_says_what_to_do(string code, string advice)
    {
        var text = LaunchAdvice.For(code);

        Assert.StartsWith($"EC2 says {code}: ", text, StringComparison.Ordinal);
        Assert.Contains(advice, text, StringComparison.Ordinal);
        // The scaler adds its own text after it.
        Assert.False(text.EndsWith('.'));
    }
}
