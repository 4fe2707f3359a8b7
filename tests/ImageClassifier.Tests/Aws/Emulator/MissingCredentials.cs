using Amazon.Runtime;

namespace ImageClassifier.Tests.Aws.Emulator;

/// <summary>Fails like the SDK's chain if the role of the machine cannot be read.</summary>
internal sealed class MissingCredentials : AWSCredentials
{
    public override ImmutableCredentials GetCredentials() =>
        throw new AmazonClientException("Unable to get IAM security credentials from EC2 Instance Metadata Service.");

    public override Task<ImmutableCredentials> GetCredentialsAsync() => Task.Run(GetCredentials);
}
