using System.Globalization;
using System.Security;

namespace ImageClassifier.Tests.Aws.Fleet;

/// <summary>EC2's answers, in the XML of its query protocol.</summary>
internal static class Ec2Answers
{
    private const string Namespace = "http://ec2.amazonaws.com/doc/2016-11-15/";
    private const string Header = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

    public static string RunInstances(IEnumerable<Ec2Machine> machines) =>
        $"""
        {Header}<RunInstancesResponse xmlns="{Namespace}">
          <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
          <reservationId>r-0e5b0a0c1d2e3f405</reservationId>
          <ownerId>111122223333</ownerId>
          <groupSet/>
          <instancesSet>{string.Concat(machines.Select(Item))}</instancesSet>
        </RunInstancesResponse>
        """;

    public static string CreateFleet(IEnumerable<Ec2Machine> machines, IEnumerable<string> errorCodes) =>
        $"""
        {Header}<CreateFleetResponse xmlns="{Namespace}">
          <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
          <fleetId>fleet-12a34b55-67cd-8ef9-ba9b-9208dEXAMPLE</fleetId>
          <fleetInstanceSet>{string.Concat(machines.GroupBy(machine => machine.Type).Select(group => $"""
            <item>
              <instanceType>{group.Key}</instanceType>
              <instanceIds>{string.Concat(group.Select(machine => $"<item>{machine.Id}</item>"))}</instanceIds>
            </item>
            """))}</fleetInstanceSet>
          <errorSet>{string.Concat(errorCodes.Select(code => $"""
            <item><errorCode>{code}</errorCode><errorMessage>EC2's sentence about {code}.</errorMessage></item>
            """))}</errorSet>
        </CreateFleetResponse>
        """;

    public static string DescribeLaunchTemplateVersions(Ec2Template template) =>
        $"""
        {Header}<DescribeLaunchTemplateVersionsResponse xmlns="{Namespace}">
          <requestId>65cadec1-b364-4354-8ca8-4176dexample</requestId>
          <launchTemplateVersionSet>
            <item>
              <launchTemplateId>lt-0123456789abcdef0</launchTemplateId>
              <launchTemplateName>node</launchTemplateName>
              <versionNumber>{template.Version}</versionNumber>
              <defaultVersion>true</defaultVersion>
              <launchTemplateData>
                <imageId>ami-0123456789abcdef0</imageId>
                {Element("instanceInitiatedShutdownBehavior", template.ShutdownBehavior)}
                <metadataOptions>
                  {Element("httpTokens", template.HttpTokens)}
                  {Element("httpPutResponseHopLimit", template.HopLimit)}
                </metadataOptions>
                {Element("instanceMarketOptions", template.Market is { } market ? Element("marketType", market) : null)}
              </launchTemplateData>
            </item>
          </launchTemplateVersionSet>
        </DescribeLaunchTemplateVersionsResponse>
        """;

    public static string DescribeInstances(IEnumerable<Ec2Machine> machines, string? nextToken)
    {
        var next = nextToken is null ? "" : $"<nextToken>{nextToken}</nextToken>";
        return $"""
        {Header}<DescribeInstancesResponse xmlns="{Namespace}">
          <requestId>8f7724cf-496f-496e-8fe3-example</requestId>
          <reservationSet>{string.Concat(machines.Select(machine => $"""
            <item>
              <reservationId>r-0e5b0a0c1d2e3f405</reservationId>
              <ownerId>111122223333</ownerId>
              <groupSet/>
              <instancesSet>{Item(machine)}</instancesSet>
            </item>
            """))}</reservationSet>
          {next}
        </DescribeInstancesResponse>
        """;
    }

    public static string TerminateInstances(IEnumerable<Ec2Machine> machines) =>
        $"""
        {Header}<TerminateInstancesResponse xmlns="{Namespace}">
          <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
          <instancesSet>{string.Concat(machines.Select(machine => $"""
            <item>
              <instanceId>{machine.Id}</instanceId>
              <currentState><code>32</code><name>shutting-down</name></currentState>
              <previousState><code>16</code><name>running</name></previousState>
            </item>
            """))}</instancesSet>
        </TerminateInstancesResponse>
        """;

    public static string Error(string code, string message) =>
        $"""
        {Header}<Response>
          <Errors><Error><Code>{code}</Code><Message>{SecurityElement.Escape(message)}</Message></Error></Errors>
          <RequestID>ea966190-f9aa-478e-9ede-example</RequestID>
        </Response>
        """;

    private static string Element(string name, string? content) =>
        content is null ? "" : $"<{name}>{content}</{name}>";

    private static string Item(Ec2Machine machine)
    {
        var launched = machine.LaunchedAt.ToString("yyyy-MM-ddTHH:mm:ss.000Z", CultureInfo.InvariantCulture);
        var stateReason = machine.StateReason is { } code
            ? $"<stateReason><code>{code}</code><message>{code}: said by EC2</message></stateReason>"
            : "";
        return $"""
            <item>
              <instanceId>{machine.Id}</instanceId>
              <imageId>ami-0123456789abcdef0</imageId>
              <instanceState><code>0</code><name>{machine.State}</name></instanceState>
              <privateDnsName/>
              <dnsName/>
              <reason>{machine.TransitionReason}</reason>
              <amiLaunchIndex>0</amiLaunchIndex>
              <instanceType>{machine.Type}</instanceType>
              <launchTime>{launched}</launchTime>
              <placement><availabilityZone>eu-central-1a</availabilityZone><tenancy>default</tenancy></placement>
              {stateReason}
              <clientToken>{machine.ClientToken}</clientToken>
              <tagSet>{string.Concat(machine.Tags.Select(tag =>
                  $"<item><key>{tag.Key}</key><value>{SecurityElement.Escape(tag.Value)}</value></item>"))}</tagSet>
            </item>
            """;
    }
}

/// <summary>The contents of a launch template's version; null for nothing.</summary>
internal sealed record Ec2Template
{
    public int Version { get; init; } = 3;

    public string? ShutdownBehavior { get; init; } = "terminate";

    public string? HttpTokens { get; init; } = "required";

    public string? HopLimit { get; init; }

    public string? Market { get; init; }
}

/// <summary>An instance in EC2's form.</summary>
internal sealed record Ec2Machine(
    string Id, string ClientToken, string Type, IReadOnlyDictionary<string, string> Tags, DateTimeOffset LaunchedAt)
{
    public string State { get; set; } = "pending";

    public string TransitionReason { get; set; } = "";

    public string? StateReason { get; set; }

    /// <summary>EC2's description of an instance that someone terminated by a call.</summary>
    public void Terminate(DateTimeOffset at)
    {
        State = "terminated";
        StateReason = "Client.UserInitiatedShutdown";
        TransitionReason = $"User initiated ({at.UtcDateTime:yyyy-MM-dd HH:mm:ss} GMT)";
    }
}
