using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Check;
using ImageClassifier.Adapters.Aws.Configuration;
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

    private static LifecycleRule Rule(string prefix, int days) => new()
    {
        Id = "of-someone",
        Status = "Enabled",
        Filter = new LifecycleFilter { LifecycleFilterPredicate = new LifecyclePrefixPredicate { Prefix = prefix } },
        Expiration = new LifecycleRuleExpiration { Days = days },
    };
}
