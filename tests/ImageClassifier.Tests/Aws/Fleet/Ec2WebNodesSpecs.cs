using Amazon.EC2;
using Amazon.EC2.Model;
using Amazon.Runtime;
using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Testing.Emulator;
using Xunit;

namespace ImageClassifier.Tests.Aws.Fleet;

/// <summary>Web nodes by their tag, on moto.</summary>
public sealed class Ec2WebNodesSpecs
{
    // An image that moto knows.
    private const string Image = "ami-12c6146b";

    private static readonly BasicAWSCredentials Anyone = new("no-id", "no-secret");

    [SkippableFact]
    public async Task Running_nodes_of_the_deployment_are_found_and_no_others()
    {
        await using var moto = await MotoServer.StartAsync();
        using var ec2 = Client(moto.Endpoint);
        var own = await LaunchAsync(ec2, Ec2InstanceFleet.WebTag, "pics", 3);
        await LaunchAsync(ec2, Ec2InstanceFleet.WebTag, "others", 1);
        await LaunchAsync(ec2, Ec2InstanceFleet.DeploymentTag, "pics", 1);
        await ec2.TerminateInstancesAsync(new TerminateInstancesRequest { InstanceIds = [own[0].InstanceId] });

        var found = await new Ec2WebNodes(ec2, "pics").FindAsync(default);

        Assert.Equal(
            own.Skip(1).Select(instance => instance.PrivateIpAddress).Order(),
            found.Select(address => address.ToString()).Order());
    }

    [Fact]
    public async Task No_answer_is_an_IOException_that_names_the_call()
    {
        using var ec2 = Client(new Uri("http://127.0.0.1:1"));

        var failure = await Assert.ThrowsAsync<IOException>(() => new Ec2WebNodes(ec2, "pics").FindAsync(default));

        Assert.Contains("EC2 DescribeInstances failed", failure.Message, StringComparison.Ordinal);
    }

    private static AmazonEC2Client Client(Uri endpoint) => new(Anyone, new AmazonEC2Config
    {
        ServiceURL = endpoint.ToString(),
        AuthenticationRegion = "us-east-1",
        MaxErrorRetry = 0,
    });

    private static async Task<IReadOnlyList<Instance>> LaunchAsync(
        AmazonEC2Client ec2, string tag, string value, int count)
    {
        var instances = new List<Instance>();
        for (var launched = 0; launched < count; launched++)
        {
            var answer = await ec2.RunInstancesAsync(new RunInstancesRequest
            {
                ImageId = Image,
                MinCount = 1,
                MaxCount = 1,
                TagSpecifications =
                [
                    new TagSpecification { ResourceType = ResourceType.Instance, Tags = [new Tag(tag, value)] },
                ],
            });
            instances.AddRange(answer.Reservation.Instances);
        }

        return instances;
    }
}
