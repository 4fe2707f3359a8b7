using Amazon.EC2;
using Amazon.Runtime;
using Amazon.Runtime.Internal;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>A client of EC2 that does not repeat a call after lack of capacity. EC2 reports it as HTTP 500, which the
/// SDK would repeat. That delays the next subnet by seconds, and uses up the calls that EC2 allows.</summary>
internal sealed class Ec2Client : AmazonEC2Client
{
    public Ec2Client(AmazonEC2Config config)
        : base(config)
    {
    }

    public Ec2Client(AWSCredentials credentials, AmazonEC2Config config)
        : base(credentials, config)
    {
    }

    protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
    {
        base.CustomizeRuntimePipeline(pipeline);
        pipeline.ReplaceHandler<RetryHandler>(new RetryHandler(new NoRetryForCapacity(Config)));
    }

    private sealed class NoRetryForCapacity(IClientConfig config) : StandardRetryPolicy(config)
    {
        public override Task<bool> RetryForExceptionAsync(IExecutionContext executionContext, Exception exception) =>
            exception is AmazonServiceException { ErrorCode: { } code }
                && LaunchRefusals.Of(code) == LaunchRefusal.NoCapacity
                ? Task.FromResult(false)
                : base.RetryForExceptionAsync(executionContext, exception);
    }
}
