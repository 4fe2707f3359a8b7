using ImageClassifier.Adapters.Aws.Check;
using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Tests.Aws.Emulator;
using WireMock.RequestBuilders;
using WireMock.ResponseBuilders;
using Xunit;

namespace ImageClassifier.Tests.Aws.Check;

/// <summary>A launch is tried and never made. The errors are EC2's own.</summary>
public sealed class LaunchCheckSpecs : IDisposable
{
    private const string Good = "subnet-0aaaaaaaaaaaaaaaa";
    private const string Other = "subnet-0bbbbbbbbbbbbbbbb";

    private readonly StubbedAws _stub = new();

    private readonly Ec2FleetSettings _settings = new()
    {
        Deployment = "pics",
        LaunchTemplate = "lt-0123456789abcdef0",
        InstanceTypes = ["c7i.large", "c6i.large"],
        Subnets = [Good, Other],
        Market = Ec2Market.Spot,
    };

    public LaunchCheckSpecs()
    {
        On("DescribeInstances", "", Xml("<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"), 1);
        On("DescribeLaunchTemplateVersions", "",
            Xml("<DescribeLaunchTemplateVersionsResponse><launchTemplateVersionSet><item>"
                + "<versionNumber>3</versionNumber><launchTemplateData>"
                + "<instanceInitiatedShutdownBehavior>terminate</instanceInitiatedShutdownBehavior><metadataOptions>"
                + "<httpTokens>required</httpTokens><httpPutResponseHopLimit>2</httpPutResponseHopLimit>"
                + "</metadataOptions></launchTemplateData></item></launchTemplateVersionSet>"
                + "</DescribeLaunchTemplateVersionsResponse>"), 1);
        foreach (var call in new[] { "CreateFleet", "RunInstances" })
            On(call, "DryRun=true", Refusal(412, "DryRunOperation", "Request would have succeeded."), 1);
    }

    public void Dispose() => _stub.Dispose();

    [Fact]
    public async Task Each_type_is_tried_in_each_subnet_and_nothing_is_launched()
    {
        Assert.DoesNotContain(await CheckAsync(), finding => finding.IsProblem);

        var launches = _stub.Log.Select(entry => entry.RequestMessage!.Body!)
            .Where(body => body.Contains("Action=RunInstances", StringComparison.Ordinal)).ToArray();
        Assert.Equal(4, launches.Length);
        Assert.All(launches, body => Assert.Contains("DryRun=true", body, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_dry_runs_are_the_fleet_s_own_requests()
    {
        await CheckAsync();

        var calls = _stub.Log.Select(entry => entry.RequestMessage!.Body!).ToArray();
        var launch = calls.First(body => body.Contains("Action=RunInstances", StringComparison.Ordinal));
        Assert.Contains("MetadataOptions.HttpPutResponseHopLimit=2", launch, StringComparison.Ordinal);
        Assert.Contains("SpotInstanceType=one-time", launch, StringComparison.Ordinal);
        var fleet = Assert.Single(calls, body => body.Contains("Action=CreateFleet", StringComparison.Ordinal));
        Assert.Contains("AllocationStrategy=price-capacity-optimized", fleet, StringComparison.Ordinal);
        Assert.Contains("Version=3", fleet, StringComparison.Ordinal);
        foreach (var call in new[] { launch, fleet })
            Assert.Contains("image-classifier%3Alaunch", call, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_template_version_is_a_problem()
    {
        On("DescribeLaunchTemplateVersions", "",
            Xml("<DescribeLaunchTemplateVersionsResponse><launchTemplateVersionSet/>"
                + "</DescribeLaunchTemplateVersionsResponse>"), 0);

        var problem = Assert.Single(await CheckAsync(), finding => finding.IsProblem);

        Assert.Equal("launch template lt-0123456789abcdef0", problem.Subject);
    }

    [Theory]
    [InlineData("InvalidLaunchTemplateId.NotFound", "launch-template")]
    [InlineData("InvalidLaunchTemplateName.NotFoundException", "launch-template")]
    [InlineData("InvalidLaunchTemplateId.VersionNotFound", "launch-template-version")]
    [InlineData("InvalidSubnetID.NotFound", "subnets")]
    [InlineData("InvalidAMIID.NotFound", "make-ami.sh")]
    [InlineData("InvalidGroup.NotFound", "security-groups")]
    [InlineData("UnauthorizedOperation", "deploy/iam/web.json")]
    [InlineData("AuthFailure.ServiceLinkedRoleCreationNotPermitted", "create-service-linked-role")]
    public async Task A_refusal_of_EC2_is_a_problem_with_advice(string code, string help)
    {
        On("RunInstances", "", Refusal(400, code, "EC2's sentence. Encoded authorization failure message: abc"), 0);

        var problem = Assert.Single(await CheckAsync(), finding => finding.IsProblem);

        Assert.Contains(code, problem.Text, StringComparison.Ordinal);
        Assert.Contains(help, problem.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("abc", problem.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_subnet_is_reported_and_the_other_is_good()
    {
        On("RunInstances", $"SubnetId={Other}",
            Refusal(400, "InvalidSubnetID.NotFound", $"The subnet ID '{Other}' does not exist"), 0);

        var findings = await CheckAsync();

        var problem = Assert.Single(findings, finding => finding.IsProblem);
        Assert.Equal($"launch of c7i.large in {Other}, c6i.large in {Other}", problem.Subject);
        Assert.Contains(findings, finding =>
            finding.Subject == $"launch of c7i.large in {Good}, c6i.large in {Good}" && !finding.IsProblem);
    }

    [Fact]
    public async Task A_type_that_one_zone_lacks_is_no_problem_while_another_launches()
    {
        On("RunInstances", $"SubnetId={Other}", Refusal(400, "Unsupported", "Not in this zone."), 0);
        Assert.DoesNotContain(await CheckAsync(), finding => finding.IsProblem);

        On("RunInstances", "", Refusal(400, "Unsupported", "Not in this zone."), -1);
        Assert.Contains(await CheckAsync(), finding => finding.IsProblem);
    }

    [Fact]
    public async Task A_missing_permission_to_create_fleets_is_a_problem()
    {
        On("CreateFleet", "", Refusal(403, "UnauthorizedOperation", "You are not authorized."), 0);

        var problem = Assert.Single(await CheckAsync(), finding => finding.IsProblem);

        Assert.Contains("ec2:CreateFleet", problem.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_without_template_and_image_are_a_problem()
    {
        var check = new LaunchCheck(_stub.Clients.Ec2(), new Ec2FleetSettings());

        var problem = Assert.Single(await check.RunAsync("us-east-1", default));

        Assert.Contains("image-classifier.fleet.ec2.ami", problem.Text, StringComparison.Ordinal);
    }

    private Task<IReadOnlyList<CheckFinding>> CheckAsync() =>
        new LaunchCheck(_stub.Clients.Ec2(), _settings).RunAsync("us-east-1", default);

    private void On(string action, string parameter, IResponseBuilder answer, int priority) => _stub.On(
        Request.Create().UsingPost().WithBody(body => body is not null
            && body.Contains($"Action={action}&", StringComparison.Ordinal)
            && body.Contains(parameter, StringComparison.Ordinal)),
        answer, priority);

    private static IResponseBuilder Xml(string body) =>
        Response.Create().WithHeader("Content-Type", "text/xml").WithBody(body);

    private static IResponseBuilder Refusal(int status, string code, string message) => Xml(
        $"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        + "<RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>").WithStatusCode(status);
}
