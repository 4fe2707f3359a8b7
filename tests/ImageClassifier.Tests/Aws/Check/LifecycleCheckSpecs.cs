using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Check;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Tests.Aws.Emulator;
using WireMock.RequestBuilders;
using WireMock.ResponseBuilders;
using WireMock.Server;
using Xunit;

namespace ImageClassifier.Tests.Aws.Check;

/// <summary>Any rules are right that delete everything that must be deleted.</summary>
public sealed class LifecycleCheckSpecs
{
    [Fact]
    public void Rules_that_cover_what_grows_are_enough_whatever_their_names() => Assert.False(IsProblem(Sound(30)));

    [Theory]
    [InlineData("")]
    [InlineData("models/")]
    [InlineData("models/fruit/")]
    [InlineData("m")]
    public void A_rule_that_deletes_models_is_a_problem(string prefix)
    {
        var found = Judge([.. Sound(30), Rule(prefix, 30)]);
        Assert.True(found.IsProblem);
        Assert.Contains("deletes models after 30 days", found.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<Filter><Prefix>models/</Prefix></Filter>", "<Date>2026-05-01T00:00:00.000Z</Date>", "from 2026-05-01 on")]
    [InlineData("<Prefix></Prefix>", "<Date>2026-05-01T00:00:00.000Z</Date>", "from 2026-05-01 on")]
    [InlineData("<Filter><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan></Filter>", "<Days>90</Days>", "after 90 days")]
    [InlineData(
        "<Filter><And><Prefix>mod</Prefix><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan></And></Filter>", "<Days>90</Days>",
        "after 90 days")]
    [InlineData(
        "<Filter><And><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan><ObjectSizeLessThan>99</ObjectSizeLessThan></And></Filter>",
        "<Days>90</Days>", "after 90 days")]
    public async Task A_rule_with_a_date_or_for_sizes_that_deletes_models_is_a_problem(
        string filter, string expiration, string when)
    {
        var found = Judge([.. Sound(30), await ReadAsync(filter, expiration)]);
        Assert.True(found.IsProblem);
        Assert.Contains($"deletes models {when}", found.Text, StringComparison.Ordinal);
    }

    // The program stores objects without tags.
    [Theory]
    [InlineData("<Filter><And><Prefix>images/</Prefix><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan></And></Filter>")]
    [InlineData("<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>")]
    [InlineData("<Filter><And><Prefix>models/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter>")]
    public async Task A_rule_for_other_objects_or_tags_deletes_no_models(string filter) =>
        Assert.False(IsProblem([.. Sound(30), await ReadAsync(filter, "<Days>90</Days>")]));

    [Fact]
    public void A_rule_without_a_filter_deletes_models_too() =>
        Assert.True(IsProblem(new LifecycleRule { Status = "Enabled", Expiration = new() { Days = 30 } }));

    [Fact]
    public void A_rule_for_broken_uploads_of_all_objects_deletes_no_models()
    {
        var uploads = Rule("", 30);
        uploads.Expiration = null;
        uploads.AbortIncompleteMultipartUpload = new() { DaysAfterInitiation = 1 };
        Assert.False(IsProblem([.. Sound(30), uploads]));
    }

    [Fact]
    public void No_rule_is_a_problem() => Assert.True(IsProblem());

    [Fact]
    public void A_rule_for_only_some_objects_is_a_problem() => Assert.True(IsProblem(Rule("images/", 30)));

    [Theory]
    [InlineData(29)]
    [InlineData(31)]
    public void A_rule_with_another_age_is_a_problem(int days) => Assert.True(IsProblem(Sound(days)));

    [Fact]
    public void A_disabled_rule_does_not_count()
    {
        var rules = Sound(30);
        rules[0].Status = "Disabled";
        Assert.True(IsProblem(rules));
    }

    [Fact]
    public void A_rule_with_a_tag_filter_does_not_cover_all_objects()
    {
        var rules = Sound(30);
        rules[0].Filter = new LifecycleFilter
        {
            LifecycleFilterPredicate = new LifecycleTagPredicate { Tag = new Tag { Key = "a", Value = "b" } },
        };
        Assert.True(IsProblem(rules));
    }

    private static LifecycleRule[] Sound(int days) => [Rule("images/", days), Rule("results/", days), Rule("batches/", days)];

    private static bool IsProblem(params LifecycleRule[] rules) => Judge(rules).IsProblem;

    private static CheckFinding Judge(LifecycleRule[] rules) => LifecycleCheck.Judge(
        "lifecycle", rules, new BucketSettings("pictures", keyPrefix: "", TimeSpan.FromDays(30)));

    /// <summary>A rule as the SDK reads it.</summary>
    private static async Task<LifecycleRule> ReadAsync(string filter, string expiration)
    {
        using var server = WireMockServer.Start();
        server.Given(Request.Create().UsingGet()).RespondWith(Response.Create()
            .WithHeader("Content-Type", "application/xml")
            .WithBody($"<LifecycleConfiguration><Rule>{filter}<Status>Enabled</Status><Expiration>{expiration}</Expiration></Rule>"
                + "</LifecycleConfiguration>"));
        using var clients = EmulatedAws.ClientsOf(new Uri(server.Url!));
        var answer = await clients.S3().GetLifecycleConfigurationAsync(
            new GetLifecycleConfigurationRequest { BucketName = "pictures" });
        return Assert.Single(answer.Configuration.Rules);
    }

    private static LifecycleRule Rule(string prefix, int days) => new()
    {
        Id = "of-someone",
        Status = "Enabled",
        Filter = new LifecycleFilter { LifecycleFilterPredicate = new LifecyclePrefixPredicate { Prefix = prefix } },
        Expiration = new LifecycleRuleExpiration { Days = days },
    };
}
