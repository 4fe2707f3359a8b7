using System.Net.Http.Headers;
using System.Xml.Linq;
using Amazon.EC2;
using Amazon.EC2.Model;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The facts of the account that IAM needs to judge a call: tags, launch templates, roles of profiles. It asks
/// the emulator without the proxy.</summary>
internal sealed class AccountFacts(IAmazonEC2 ec2, Uri aws, string region) : IDisposable
{
    /// <summary>The account of moto.</summary>
    public const string Account = "123456789012";

    private readonly HttpClient _http = new();

    /// <summary>The tags of an EC2 resource.</summary>
    public async Task<IReadOnlyDictionary<string, string>> TagsAsync(string resourceId)
    {
        var answer = await ec2.DescribeTagsAsync(new DescribeTagsRequest([new Filter("resource-id", [resourceId])]));
        return (answer.Tags ?? []).ToDictionary(tag => tag.Key, tag => tag.Value);
    }

    /// <summary>Reads a version of a launch template.</summary>
    /// <param name="idOrName">The id or name of the template, as in the call.</param>
    /// <param name="version">A number, <c>$Default</c> or <c>$Latest</c>.</param>
    public async Task<LaunchTemplateVersion> TemplateAsync(string idOrName, string version)
    {
        var request = new DescribeLaunchTemplateVersionsRequest { Versions = [version] };
        if (idOrName.StartsWith("lt-", StringComparison.Ordinal)) request.LaunchTemplateId = idOrName;
        else request.LaunchTemplateName = idOrName;
        return (await ec2.DescribeLaunchTemplateVersionsAsync(request)).LaunchTemplateVersions.Single();
    }

    /// <summary>The role of an instance profile.</summary>
    public async Task<string> RoleAsync(string profile)
    {
        // One call does not justify another package of the SDK.
        using var request = new HttpRequestMessage(HttpMethod.Post, aws)
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["Action"] = "GetInstanceProfile",
                ["Version"] = "2010-05-08",
                ["InstanceProfileName"] = profile.Split('/')[^1],
            }),
        };
        request.Headers.Authorization = AuthenticationHeaderValue.Parse(
            $"AWS4-HMAC-SHA256 Credential=owner/20260101/{region}/iam/aws4_request, SignedHeaders=host, Signature=none");
        using var answer = await _http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        var xml = XDocument.Parse(await answer.Content.ReadAsStringAsync());
        return xml.Descendants().Single(element => element.Name.LocalName == "RoleName").Value;
    }

    public void Dispose() => _http.Dispose();
}
