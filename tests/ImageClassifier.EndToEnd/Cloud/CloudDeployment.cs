using System.Text.Json;
using Amazon.EC2;
using Amazon.EC2.Model;
using Amazon.Runtime;
using Amazon.SQS;
using Amazon.SQS.Model;
using ImageClassifier.EndToEnd.Cloud.Proxy;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing.Emulator;
using Xunit;

namespace ImageClassifier.EndToEnd.Cloud;

/// <summary>A deployment on moto like the stack's, created with the deployer's permissions. Each role calls AWS through
/// its proxy.</summary>
internal sealed class CloudDeployment : IAsyncDisposable
{
    public const string Name = "loop";
    public const string Bucket = "loop-pictures";
    public const string Region = "eu-central-1";
    public const string NodeRole = "loop-node";
    public const string InstanceType = "c7i.large";

    private const string AmazonLinux = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(1);

    private readonly MotoServer _moto;
    private readonly AmazonSQSClient _sqs;

    private CloudDeployment(MotoServer moto, PolicyProxy proxy)
    {
        _moto = moto;
        Proxy = proxy;
        var keys = new BasicAWSCredentials("owner", "none");
        var address = moto.Endpoint.ToString();
        Owner = new AmazonEC2Client(
            keys, new AmazonEC2Config { ServiceURL = address, AuthenticationRegion = Region });
        _sqs = new AmazonSQSClient(keys, new AmazonSQSConfig { ServiceURL = address, AuthenticationRegion = Region });
    }

    public PolicyProxy Proxy { get; }

    /// <summary>EC2 without the proxy, for the owner of the account and for the machines.</summary>
    public AmazonEC2Client Owner { get; }

    public string Image { get; private set; } = "";

    public string Subnet { get; private set; } = "";

    public string SecurityGroup { get; private set; } = "";

    public string LaunchTemplate { get; private set; } = "";

    /// <summary>The settings of the program in every role, without the prefix image-classifier.</summary>
    public IReadOnlyList<string> Settings =>
    [
        "environment=aws", "fleet.kind=ec2", $"aws.region={Region}", $"aws.s3.bucket={Bucket}",
        $"aws.sqs.requests={Name}-requests.fifo", $"aws.sqs.responses={Name}-responses.fifo",
        $"aws.sqs.service-url={Proxy.Endpoint}", $"aws.s3.service-url={Proxy.Endpoint}",
        $"aws.ec2.service-url={Proxy.Endpoint}",
        $"fleet.ec2.deployment={Name}", $"fleet.ec2.launch-template={LaunchTemplate}",
        $"fleet.ec2.instance-types={InstanceType}", $"fleet.ec2.subnets={Subnet}",
        "scaling.policy=per-image", "scaling.max-instances=1",
        "node.polling.wait-time=1s", "node.classification.threads=1", "node.polling.decoders=2",
        // EC2's minimum charge does not apply to this machine.
        "node.termination.min-lifetime=0s",
    ];

    /// <summary>Starts moto and the proxy, and creates everything except queues and bucket.</summary>
    public static async Task<CloudDeployment> CreateAsync()
    {
        MotoServer.Require();
        AwsCli.Require();
        var moto = await MotoServer.StartAsync();
        var deployment = new CloudDeployment(moto, await PolicyProxy.StartAsync(moto.Endpoint, Region));
        try
        {
            await deployment.SetUpAsync();
            return deployment;
        }
        catch
        {
            await deployment.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a verb of the program to its end.</summary>
    /// <returns>Its exit code, standard output and standard error.</returns>
    public Task<(int ExitCode, string Output, string Error)> RunAsync(CloudRole role, params string[] arguments)
    {
        var start = BuiltProgram.StartInfo(
            [.. arguments, .. Settings.SelectMany(setting => new[] { "--set", $"image-classifier.{setting}" })]);
        foreach (var (name, value) in role.Variables) start.Environment[name] = value;
        return BuiltProgram.RunAsync(start);
    }

    /// <summary>Runs aws provision, which creates the queues and the bucket.</summary>
    public async Task ProvisionAsync()
    {
        var (exitCode, output, error) = await RunAsync(CloudRole.Deployer, "aws", "provision");
        Assert.True(exitCode == 0, $"{output}\n{error}\n{string.Join('\n', Proxy.Refused)}");
    }

    /// <summary>Waits for the instance of an app node, by its tags.</summary>
    public async Task<Instance> RunningNodeAsync(Func<string> otherwise)
    {
        Instance? found = null;
        await Until.HoldsAsync(
            async () =>
            {
                var request = new DescribeInstancesRequest
                {
                    Filters =
                    [
                        new Filter("tag:image-classifier:deployment", [Name]),
                        new Filter("tag:image-classifier:role", ["node"]),
                        new Filter("instance-state-name", ["running"]),
                    ],
                };
                var answer = await Owner.DescribeInstancesAsync(request);
                found = answer.Reservations?.SelectMany(reservation => reservation.Instances).FirstOrDefault();
                return found is not null;
            },
            Enough, otherwise);
        return found!;
    }

    /// <summary>Runs a command of the AWS CLI as the deployer.</summary>
    public Task<JsonElement> DeployAsync(params string[] arguments) =>
        AwsCli.RunAsync(CloudRole.Deployer, Proxy.Endpoint, Region, arguments);

    /// <summary>Creates a role within the boundary, and an instance profile with the same name.</summary>
    /// <returns>The ARN of the profile.</returns>
    public async Task<string> CreateProfileAsync(string name)
    {
        const string trust = """{"Version":"2012-10-17","Statement":[]}""";
        await DeployAsync(
            "iam", "create-role", "--role-name", name, "--assume-role-policy-document", trust,
            "--permissions-boundary", $"arn:aws:iam::{AccountFacts.Account}:policy/{Name}-boundary");
        var profile = await DeployAsync("iam", "create-instance-profile", "--instance-profile-name", name);
        await DeployAsync("iam", "add-role-to-instance-profile", "--instance-profile-name", name, "--role-name", name);
        return Text(profile, "InstanceProfile", "Arn");
    }

    /// <summary>Moves a waiting job to the dead letters, as SQS does after too many receives.</summary>
    public async Task MoveOneJobToDeadLettersAsync()
    {
        var requests = (await _sqs.GetQueueUrlAsync($"{Name}-requests.fifo")).QueueUrl;
        var dead = (await _sqs.GetQueueUrlAsync($"{Name}-requests-dead.fifo")).QueueUrl;
        var received = await _sqs.ReceiveMessageAsync(
            new ReceiveMessageRequest(requests) { MaxNumberOfMessages = 1, MessageSystemAttributeNames = ["All"] });
        var job = received.Messages.Single();
        await _sqs.SendMessageAsync(new SendMessageRequest(dead, job.Body)
        {
            MessageGroupId = job.Attributes[MessageSystemAttributeName.MessageGroupId],
            MessageDeduplicationId = job.Attributes[MessageSystemAttributeName.MessageDeduplicationId],
        });
        await _sqs.DeleteMessageAsync(requests, job.ReceiptHandle);
    }

    public async ValueTask DisposeAsync()
    {
        _sqs.Dispose();
        Owner.Dispose();
        await Proxy.DisposeAsync();
        await _moto.DisposeAsync();
    }

    private async Task SetUpAsync()
    {
        var words = new Dictionary<string, string>
        {
            ["REGION"] = Region,
            ["ACCOUNT"] = AccountFacts.Account,
            ["DEPLOYMENT"] = Name,
            ["BUCKET"] = Bucket,
            ["PACKAGE_BUCKET"] = "packages",
            ["NODE_ROLE"] = NodeRole,
            ["KEY"] = "none",
            ["WEB_SETTINGS"] = "none",
            ["NODE_SETTINGS"] = "none",
        };
        Admit(CloudRole.Deployer);
        // The account already has the network.
        Subnet = (await Owner.DescribeSubnetsAsync(new DescribeSubnetsRequest())).Subnets[0].SubnetId;
        Image = Text(await DeployAsync("ssm", "get-parameter", "--name", AmazonLinux), "Parameter", "Value");
        var profile = await CreateProfileAsync(NodeRole);
        SecurityGroup = Text(
            await DeployAsync("ec2", "create-security-group", "--group-name", NodeRole, "--description", "App nodes"),
            "GroupId");
        var data = JsonSerializer.Serialize(new
        {
            ImageId = Image,
            InstanceType,
            IamInstanceProfile = new { Arn = profile },
            SecurityGroupIds = new[] { SecurityGroup },
            InstanceInitiatedShutdownBehavior = "terminate",
            MetadataOptions = new { HttpEndpoint = "enabled", HttpTokens = "required", HttpPutResponseHopLimit = 1 },
        });
        LaunchTemplate = Text(
            await DeployAsync(
                "ec2", "create-launch-template", "--launch-template-name", NodeRole, "--launch-template-data", data),
            "LaunchTemplate", "LaunchTemplateId");
        words["INSTANCE_TYPES"] = InstanceType;
        words["SUBNET"] = Subnet;
        words["KEY_PAIR"] = "none";
        words["IMAGE"] = Image;
        words["NODE_SECURITY_GROUP"] = SecurityGroup;
        words["LAUNCH_TEMPLATE"] = LaunchTemplate;
        foreach (var role in new[] { CloudRole.Web, CloudRole.Node, CloudRole.Operator }) Admit(role);

        void Admit(CloudRole role) => Proxy.Admit(role.Name, role.AccessKey, IamPolicy.Load(role.Policies, words));
    }

    private static string Text(JsonElement json, params string[] path) =>
        path.Aggregate(json, (element, name) => element.GetProperty(name)).GetString()!;
}
