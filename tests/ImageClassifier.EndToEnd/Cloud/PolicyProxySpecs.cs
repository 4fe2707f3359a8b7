using System.Net;
using Amazon.EC2;
using Amazon.EC2.Model;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.SQS;
using ImageClassifier.EndToEnd.Cloud.Proxy;
using Xunit;
using Tag = Amazon.EC2.Model.Tag;

namespace ImageClassifier.EndToEnd.Cloud;

/// <summary>The proxy refuses calls that the policies of <c>deploy/iam</c> do not allow, in AWS's words. Without these
/// tests, a passing loop would prove nothing.</summary>
public sealed class PolicyProxySpecs(SharedCloud shared) : IClassFixture<SharedCloud>
{
    private static readonly CloudRole Fleets = new("fleets");
    private static readonly CloudRole Reader = new("reader");

    [SkippableFact]
    public async Task A_node_may_not_end_another_machine()
    {
        var cloud = await shared.OpenAsync();
        using var node = Ec2(cloud, CloudRole.Node);
        var machine = await cloud.Owner.RunInstancesAsync(
            new RunInstancesRequest(cloud.Image, 1, 1) { InstanceType = Amazon.EC2.InstanceType.C7iLarge });

        await AssertRefusedAsync(
            cloud, "ec2:TerminateInstances", "UnauthorizedOperation",
            () => node.TerminateInstancesAsync(new([machine.Reservation.Instances[0].InstanceId])));
    }

    [SkippableFact]
    public async Task A_node_may_not_delete_a_picture()
    {
        var cloud = await shared.OpenAsync();
        using var node = S3(cloud, CloudRole.Node);

        await AssertRefusedAsync(
            cloud, "s3:DeleteObject", "AccessDenied",
            () => node.DeleteObjectAsync(CloudDeployment.Bucket, "images/batch/job.jpg"));
    }

    [SkippableFact]
    public async Task Without_permission_to_list_the_bucket_a_missing_object_is_refused()
    {
        var cloud = await shared.OpenAsync();
        using var reader = S3(cloud, Reader);
        Admit(cloud, Reader, """["s3:GetObject","s3:ListBucket","s3:CreateBucket"]""", """["*"]""");
        await reader.PutBucketAsync(new PutBucketRequest { BucketName = "empty", BucketRegionName = CloudDeployment.Region });
        var absence = await Assert.ThrowsAnyAsync<AmazonS3Exception>(() => reader.GetObjectAsync("empty", "none"));
        Assert.Equal(HttpStatusCode.NotFound, absence.StatusCode);

        Admit(cloud, Reader, """["s3:GetObject"]""", """["*"]""");
        await AssertRefusedAsync(
            cloud, "s3:ListBucket", "AccessDenied", () => reader.GetObjectAsync("empty", "none"));
    }

    [SkippableFact]
    public async Task The_web_tier_may_not_delete_a_queue()
    {
        var cloud = await shared.OpenAsync();
        using var web = new AmazonSQSClient(Keys(CloudRole.Web), Config(cloud, new AmazonSQSConfig()));

        await AssertRefusedAsync(
            cloud, "sqs:DeleteQueue", "AccessDenied",
            () => web.DeleteQueueAsync(
                $"{cloud.Proxy.Endpoint}{AccountFacts.Account}/{CloudDeployment.Name}-requests.fifo"));
    }

    [SkippableFact]
    public async Task The_web_tier_may_launch_marked_nodes_from_its_template_and_nothing_else()
    {
        var cloud = await shared.OpenAsync();
        using var web = Ec2(cloud, CloudRole.Web);
        var launched = await web.RunInstancesAsync(NodeOf(cloud));
        Assert.Single(launched.Reservation.Instances);

        var withoutTemplate = NodeOf(cloud);
        withoutTemplate.LaunchTemplate = null;
        withoutTemplate.ImageId = cloud.Image;
        await AssertLaunchRefusedAsync(withoutTemplate, "instance/*");
        var oldMetadata = NodeOf(cloud);
        oldMetadata.MetadataOptions = new InstanceMetadataOptionsRequest { HttpTokens = HttpTokensState.Optional };
        await AssertLaunchRefusedAsync(oldMetadata, "instance/*");
        var unmarked = NodeOf(cloud);
        unmarked.TagSpecifications = [];
        await AssertLaunchRefusedAsync(unmarked, "instance/*");
        var otherType = NodeOf(cloud);
        otherType.InstanceType = "p5.48xlarge";
        await AssertLaunchRefusedAsync(otherType, "instance/*");
        var otherImage = NodeOf(cloud);
        otherImage.ImageId = "ami-00000000";
        await AssertLaunchRefusedAsync(otherImage, "image/ami-00000000");
        var otherRole = NodeOf(cloud);
        otherRole.IamInstanceProfile = new IamInstanceProfileSpecification { Name = await AdministratorsAsync(cloud) };
        await AssertRefusedAsync(
            cloud, "iam:PassRole", "UnauthorizedOperation", () => web.RunInstancesAsync(otherRole));

        async Task AssertLaunchRefusedAsync(RunInstancesRequest request, string resource)
        {
            var refusal = await AssertRefusedAsync(
                cloud, "ec2:RunInstances", "UnauthorizedOperation", () => web.RunInstancesAsync(request));
            Assert.EndsWith(resource, refusal.Missing.Resource, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task The_web_tier_may_end_an_app_node_and_no_web_node()
    {
        var cloud = await shared.OpenAsync();
        using var web = Ec2(cloud, CloudRole.Web);
        var node = await web.RunInstancesAsync(NodeOf(cloud));
        await web.TerminateInstancesAsync(new([node.Reservation.Instances[0].InstanceId]));

        // With the tags of the Auto Scaling group, and with both marks.
        foreach (var role in new[] { "web", "node" })
        {
            var webNode = await cloud.Owner.RunInstancesAsync(new RunInstancesRequest(cloud.Image, 1, 1)
            {
                InstanceType = Amazon.EC2.InstanceType.C7iLarge,
                TagSpecifications = [WebMarks(role)],
            });

            await AssertRefusedAsync(
                cloud, "ec2:TerminateInstances", "UnauthorizedOperation",
                () => web.TerminateInstancesAsync(new([webNode.Reservation.Instances[0].InstanceId])));
        }
    }

    [SkippableFact]
    public async Task The_web_tier_may_launch_no_machine_that_web_nodes_trust()
    {
        var cloud = await shared.OpenAsync();
        using var web = Ec2(cloud, CloudRole.Web);
        var trusted = NodeOf(cloud);
        trusted.TagSpecifications = [WebMarks("node"), Marks(ResourceType.Volume)];

        await AssertRefusedAsync(
            cloud, "ec2:CreateTags", "UnauthorizedOperation", () => web.RunInstancesAsync(trusted));
    }

    [SkippableFact]
    public async Task The_web_tier_may_ask_for_marked_fleets_of_its_types_in_its_subnets_and_no_others()
    {
        var cloud = await shared.OpenAsync();
        using var web = Ec2(cloud, CloudRole.Web);
        var answer = await web.CreateFleetAsync(FleetOf(cloud));
        Assert.Single(answer.Instances);

        var otherType = FleetOf(cloud);
        otherType.LaunchTemplateConfigs[0].Overrides[0].InstanceType = "p5.48xlarge";
        await AssertFleetRefusedAsync(otherType, "instance/*");
        var otherSubnet = FleetOf(cloud);
        var subnets = await cloud.Owner.DescribeSubnetsAsync(new DescribeSubnetsRequest());
        var other = subnets.Subnets.First(subnet => subnet.SubnetId != cloud.Subnet).SubnetId;
        otherSubnet.LaunchTemplateConfigs[0].Overrides[0].SubnetId = other;
        await AssertFleetRefusedAsync(otherSubnet, $"subnet/{other}");
        var unmarked = FleetOf(cloud);
        unmarked.TagSpecifications = [Marks(ResourceType.Fleet)];
        await AssertFleetRefusedAsync(unmarked, "instance/*");

        async Task AssertFleetRefusedAsync(CreateFleetRequest request, string resource)
        {
            var refusal = await AssertRefusedAsync(
                cloud, "ec2:CreateFleet", "UnauthorizedOperation", () => web.CreateFleetAsync(request));
            Assert.EndsWith(resource, refusal.Missing.Resource, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task A_fleet_needs_a_permission_for_every_part_of_its_machines()
    {
        var cloud = await shared.OpenAsync();
        using var fleets = Ec2(cloud, Fleets);
        const string actions = """["ec2:CreateFleet","ec2:RunInstances","ec2:CreateTags","iam:PassRole"]""";
        Admit(cloud, Fleets, actions, """["*"]""");
        var answer = await fleets.CreateFleetAsync(FleetOf(cloud));
        Assert.Single(answer.Instances);

        Admit(
            cloud, Fleets, actions,
            """["arn:aws:ec2:*:*:instance/*","arn:aws:ec2:*:*:fleet/*","arn:aws:ec2:*:*:volume/*"]""");
        var refusal = await AssertRefusedAsync(
            cloud, "ec2:CreateFleet", "UnauthorizedOperation", () => fleets.CreateFleetAsync(FleetOf(cloud)));
        Assert.Contains(":network-interface/", refusal.Missing.Resource, StringComparison.Ordinal);
    }

    private static void Admit(CloudDeployment cloud, CloudRole role, string actions, string resources)
    {
        var policy = $$"""{"Statement":[{"Effect":"Allow","Action":{{actions}},"Resource":{{resources}}}]}""";
        cloud.Proxy.Admit(role.Name, role.AccessKey, IamPolicy.Parse(policy, new Dictionary<string, string>()));
    }

    private static RunInstancesRequest NodeOf(CloudDeployment cloud) => new()
    {
        MinCount = 1,
        MaxCount = 1,
        InstanceType = CloudDeployment.InstanceType,
        SubnetId = cloud.Subnet,
        LaunchTemplate = new LaunchTemplateSpecification { LaunchTemplateId = cloud.LaunchTemplate },
        TagSpecifications = [Marks(ResourceType.Instance), Marks(ResourceType.Volume)],
    };

    private static CreateFleetRequest FleetOf(CloudDeployment cloud) => new()
    {
        Type = FleetType.Instant,
        TargetCapacitySpecification = new TargetCapacitySpecificationRequest
        {
            TotalTargetCapacity = 1,
            DefaultTargetCapacityType = DefaultTargetCapacityType.OnDemand,
        },
        LaunchTemplateConfigs =
        [
            new FleetLaunchTemplateConfigRequest
            {
                LaunchTemplateSpecification = new FleetLaunchTemplateSpecificationRequest
                {
                    LaunchTemplateId = cloud.LaunchTemplate,
                    Version = "$Default",
                },
                Overrides =
                [
                    new FleetLaunchTemplateOverridesRequest
                    {
                        InstanceType = CloudDeployment.InstanceType,
                        SubnetId = cloud.Subnet,
                    },
                ],
            },
        ],
        TagSpecifications = [Marks(ResourceType.Fleet), Marks(ResourceType.Instance), Marks(ResourceType.Volume)],
    };

    private static TagSpecification Marks(ResourceType type) => new()
    {
        ResourceType = type,
        Tags = [new Tag("image-classifier:deployment", CloudDeployment.Name), new Tag("image-classifier:role", "node")],
    };

    private static TagSpecification WebMarks(string role) => new()
    {
        ResourceType = ResourceType.Instance,
        Tags =
        [
            new Tag("image-classifier:deployment", CloudDeployment.Name), new Tag("image-classifier:role", role),
            new Tag("image-classifier:web", CloudDeployment.Name),
        ],
    };

    private static async Task<string> AdministratorsAsync(CloudDeployment cloud)
    {
        const string name = $"{CloudDeployment.Name}-administrators";
        await cloud.CreateProfileAsync(name);
        return name;
    }

    private static async Task<Refusal> AssertRefusedAsync(
        CloudDeployment cloud, string action, string errorCode, Func<Task> call)
    {
        var refusedBefore = cloud.Proxy.Refused.Count;
        var failure = await Assert.ThrowsAnyAsync<AmazonServiceException>(call);
        cloud.Proxy.AssertAllUnderstood();
        Assert.Equal(HttpStatusCode.Forbidden, failure.StatusCode);
        Assert.Contains(errorCode, failure.ErrorCode, StringComparison.Ordinal);
        Assert.Contains(action, failure.Message, StringComparison.Ordinal);
        var refusal = Assert.Single(cloud.Proxy.Refused.Skip(refusedBefore));
        Assert.Equal(action, refusal.Missing.Action);
        return refusal;
    }

    private static AmazonS3Client S3(CloudDeployment cloud, CloudRole role) =>
        new(Keys(role), Config(cloud, new AmazonS3Config { ForcePathStyle = true }));

    private static AmazonEC2Client Ec2(CloudDeployment cloud, CloudRole role) =>
        new(Keys(role), Config(cloud, new AmazonEC2Config()));

    private static BasicAWSCredentials Keys(CloudRole role) => new(role.AccessKey, "no-secret");

    private static T Config<T>(CloudDeployment cloud, T config) where T : ClientConfig
    {
        config.ServiceURL = cloud.Proxy.Endpoint.ToString();
        config.AuthenticationRegion = CloudDeployment.Region;
        return config;
    }
}
