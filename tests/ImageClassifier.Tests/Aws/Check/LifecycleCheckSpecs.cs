using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Check;
using ImageClassifier.Adapters.Aws.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Aws.Check;

/// <summary>Any rules are right that delete everything that must be deleted.</summary>
public sealed class LifecycleCheckSpecs
{
    [Fact]
    public void One_rule_for_all_is_enough_whatever_its_name() => Assert.False(IsProblem(Rule("", 30)));

    [Fact]
    public void A_rule_without_a_filter_covers_all_objects() =>
        Assert.False(IsProblem(new LifecycleRule { Status = "Enabled", Expiration = new() { Days = 30 } }));

    [Fact]
    public void Several_rules_together_can_cover_all_objects() =>
        Assert.False(IsProblem(Rule("images/", 30), Rule("results/", 30), Rule("batches/", 30)));

    [Fact]
    public void No_rule_is_a_problem() => Assert.True(IsProblem());

    [Fact]
    public void A_rule_for_only_some_objects_is_a_problem() => Assert.True(IsProblem(Rule("images/", 30)));

    [Theory]
    [InlineData(29)]
    [InlineData(31)]
    public void A_rule_with_another_age_is_a_problem(int days) => Assert.True(IsProblem(Rule("", days)));

    [Fact]
    public void A_disabled_rule_does_not_count()
    {
        var rule = Rule("", 30);
        rule.Status = "Disabled";
        Assert.True(IsProblem(rule));
    }

    [Fact]
    public void A_rule_with_a_tag_filter_does_not_cover_all_objects()
    {
        var rule = Rule("", 30);
        rule.Filter = new LifecycleFilter
        {
            LifecycleFilterPredicate = new LifecycleTagPredicate { Tag = new Tag { Key = "a", Value = "b" } },
        };
        Assert.True(IsProblem(rule));
    }

    private static bool IsProblem(params LifecycleRule[] rules) => LifecycleCheck.Judge(
        "lifecycle", rules, new BucketSettings("pictures", keyPrefix: "", TimeSpan.FromDays(30))).IsProblem;

    private static LifecycleRule Rule(string prefix, int days) => new()
    {
        Id = "of-someone",
        Status = "Enabled",
        Filter = new LifecycleFilter { LifecycleFilterPredicate = new LifecyclePrefixPredicate { Prefix = prefix } },
        Expiration = new LifecycleRuleExpiration { Days = days },
    };
}
