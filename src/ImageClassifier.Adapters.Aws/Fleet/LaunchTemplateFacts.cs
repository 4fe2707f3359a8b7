using Amazon.EC2;
using Amazon.EC2.Model;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>The values of a launch template's version that CreateFleet cannot override.</summary>
/// <param name="Version">The number behind <c>$Default</c> and <c>$Latest</c>; 0 if EC2 does not show it.</param>
/// <param name="HopLimit">How many network hops answers of the metadata service travel; null if the template does not
/// say.</param>
/// <param name="Objection">Why CreateFleet must not launch from the template; null if it may.</param>
internal sealed record LaunchTemplateFacts(long Version, int? HopLimit, string? Objection)
{
    /// <summary>False if EC2 has no such version.</summary>
    public bool IsThere => Version > 0;

    /// <summary>Reads the template. Each launch does, because the default version can change.</summary>
    /// <exception cref="AmazonEC2Exception">EC2 does not show the template.</exception>
    public static async Task<LaunchTemplateFacts> ReadAsync(
        IAmazonEC2 ec2, LaunchRequests requests, string version, CancellationToken cancellation)
    {
        var answer = await ec2.DescribeLaunchTemplateVersionsAsync(
            new DescribeLaunchTemplateVersionsRequest
            {
                LaunchTemplateId = requests.TemplateId,
                LaunchTemplateName = requests.TemplateName,
                Versions = [version],
            },
            cancellation);
        if (answer.LaunchTemplateVersions is not [{ LaunchTemplateData: { } data, VersionNumber: { } number }])
            return new LaunchTemplateFacts(0, null, "EC2 does not show it");
        return new LaunchTemplateFacts(number, data.MetadataOptions?.HttpPutResponseHopLimit, ObjectionTo(data));
    }

    private static string? ObjectionTo(ResponseLaunchTemplateData data)
    {
        // A node powers its machine off. A stopped instance would stay, and cost money for its disk.
        if (data.InstanceInitiatedShutdownBehavior != ShutdownBehavior.Terminate)
            return "it does not say that an instance terminates when it shuts down";
        if (data.MetadataOptions?.HttpTokens != LaunchTemplateHttpTokensState.Required)
            return "it does not require IMDSv2";
        return data.InstanceMarketOptions is null ? null : "it names the market itself";
    }
}
