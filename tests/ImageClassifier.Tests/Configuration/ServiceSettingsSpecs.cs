using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.Scaling;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

public sealed class ServiceSettingsSpecs
{
    private static readonly string[] OnEc2 =
        ["environment=aws", "aws.s3.bucket=my-bucket", "fleet.kind=ec2"];


    public static TheoryData<ProgramRole> Roles => [.. Enum.GetValues<ProgramRole>()];


    [Theory]
    [MemberData(nameof(Roles))]
    public void Both_tiers_start_from_the_defaults(ProgramRole role) => Load(role);

    [Theory]
    [InlineData("node.classification.classifiers", "200")]
    [InlineData("node.classification.max-batch", "0")]
    [InlineData("node.classification.model", "/no/such/model")]
    [InlineData("node.polling.max-in-flight", "5")]
    [InlineData("node.polling.wait-time", "21s")]
    [InlineData("node.termination.max-empty-polls", "0")]
    [InlineData("node.references.allowed-networks", "here")]
    [InlineData("node.references.allowed-buckets", "photos")]
    [InlineData("queues.requests.max-receives", "0")]
    [InlineData("scaling.max-instances", "0")]
    [InlineData("results.wait-limit", "0s")]
    [InlineData("access.allowed-origins", "here")]
    [InlineData("web.max-connections", "0")]
    [InlineData("web.urls", "http://loclahost:1")]
    public void Each_tier_refuses_what_the_other_would_refuse(string key, string value)
    {
        foreach (var role in Enum.GetValues<ProgramRole>())
        {
            var wrong = Assert.Throws<InvalidSettingException>(() => Load(role, $"{key}={value}"));
            Assert.Equal($"image-classifier.{key}", wrong.Key);
        }
    }

    [Theory]
    [InlineData("photos", true)]
    [InlineData("photos, my.pictures-2", true)]
    [InlineData("Photos", false)]
    [InlineData("arn:aws:s3:::photos", false)]
    [InlineData("photos/2026", false)]
    public void Buckets_are_allowed_by_their_names_on_aws(string buckets, bool isValid)
    {
        string[] settings = [.. OnEc2, $"node.references.allowed-buckets={buckets}"];
        if (isValid) Assert.NotNull(Load(ProgramRole.Web, settings).Web.References);
        else Assert.Throws<InvalidSettingException>(() => Load(ProgramRole.Web, settings));
    }

    [Theory]
    [InlineData("embedded")]
    [InlineData("aws")]
    public void A_node_whose_record_is_late_is_not_terminated_as_silent(string environment) =>
        Assert.True(2 * NodeRecordSettings.Create(Sources.With($"image-classifier.environment={environment}")).QuietInterval
            < ScalingSettings.LongestSilence);

    [Fact]
    public void The_web_tier_does_not_apply_its_own_cores_to_machines_on_EC2()
    {
        string[] settings =
        [
            .. OnEc2, "node.classification.classifiers=8", "node.classification.threads=4",
            "node.classification.model=/on/the/nodes/only",
        ];
        var web = Load(ProgramRole.Web, settings);
        Assert.Equal(new RunArrangement(8, 4, 4), web.Node.Classification.Arrangement);
        Assert.Equal(4, web.Model.Threads);
        Assert.Equal("/on/the/nodes/only", web.Model.ModelFolder);
    }

    [Theory]
    [InlineData("node.classification.classifiers", "257")]
    [InlineData("node.classification.max-batch", "0")]
    [InlineData("node.polling.max-in-flight", "5")]
    [InlineData("node.classification.model", "")]
    public void The_web_tier_refuses_settings_that_are_wrong_on_every_machine(string key, string value)
    {
        var wrong = Assert.Throws<InvalidSettingException>(() => Load(ProgramRole.Web, [.. OnEc2, $"{key}={value}"]));
        Assert.Equal($"image-classifier.{key}", wrong.Key);
    }

    private static ServiceSettings Load(ProgramRole role, params string[] settings) => ServiceSettings.Load(
        role, new SettingsSources { Assignments = [.. settings.Select(setting => $"image-classifier.{setting}")] });
}
