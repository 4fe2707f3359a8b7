using Akka.Configuration;
using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.Scaling;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

public sealed class AwsConfigurationSpecs
{
    [Fact]
    public void The_environment_selects_19_machines_on_EC2_and_the_kind_can_be_changed()
    {
        Assert.True(EnvironmentSettings.Create(Load()).HasEc2Fleet);
        Assert.Equal(19, ScalingSettings.Create(Load()).MaxInstances);
        Assert.False(EnvironmentSettings.Create(Load("fleet.kind=processes")).HasEc2Fleet);
    }

    [Fact]
    public void Queues_bucket_and_endpoints_are_read()
    {
        var aws = AwsConfiguration.CreateAws(Load(
            "aws.s3.bucket=my-bucket", "aws.region=eu-central-1", "aws.sqs.service-url=http://127.0.0.1:4566",
            "queues.requests.max-receives=7"));

        Assert.Equal("eu-central-1", aws.Region);
        Assert.Equal("my-bucket", aws.Bucket.Name);
        Assert.Equal(new Uri("http://127.0.0.1:4566"), aws.Endpoints.Sqs);
        Assert.Null(aws.Endpoints.S3);
        Assert.Equal("image-classifier-requests.fifo", aws.Queues.Requests.Name);
        Assert.Equal(28, aws.Queues.Requests.MaxReceiveCount);
        Assert.Equal(TimeSpan.FromSeconds(30), aws.Queues.Responses.Lease);
    }

    [Theory]
    [InlineData("aws.region=eu-central-1", "image-classifier.aws.s3.bucket")]
    [InlineData("aws.s3.bucket=My_Bucket", "image-classifier.aws.s3.bucket")]
    [InlineData("aws.sqs.requests=jobs", "image-classifier.aws.sqs.requests")]
    [InlineData("aws.sqs.service-url=here", "image-classifier.aws.sqs.service-url")]
    public void A_wrong_value_is_named(string setting, string key)
    {
        var failure = Assert.Throws<InvalidSettingException>(() => AwsConfiguration.CreateAws(Load(setting)));
        Assert.Equal(key, failure.Key);
    }

    [Fact]
    public void Lists_of_the_EC2_fleet_are_separated_by_commas()
    {
        var fleet = AwsConfiguration.CreateEc2Fleet(Load(
            "fleet.ec2.instance-types=c7i.large, c6i.large", "fleet.ec2.market=spot", "fleet.ec2.ami=ami-0123456789abcdef0"));

        Assert.Equal(["c7i.large", "c6i.large"], fleet.InstanceTypes);
        Assert.Empty(fleet.Subnets);
        Assert.Equal(Ec2Market.Spot, fleet.Market);
        Assert.Null(fleet.LaunchTemplate);
    }

    private static Config Load(params string[] settings) => ProgramSettings.Load(new SettingsSources
    {
        Assignments = [.. settings.Prepend("environment=aws").Select(setting => $"image-classifier.{setting}")],
    });
}
