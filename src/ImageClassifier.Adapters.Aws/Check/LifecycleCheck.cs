using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Checks whether the lifecycle rules of a bucket delete old objects. The rules may have any origin.</summary>
internal static class LifecycleCheck
{
    // Objects with these prefixes grow in number with each batch. Node records are few, and the web tier deletes them.
    private static readonly string[] Growing = [ObjectKeys.Images, ObjectKeys.Results, ObjectKeys.Batches];

    public static CheckFinding Judge(string subject, IReadOnlyList<LifecycleRule> rules, BucketSettings settings)
    {
        var problems =
            from prefix in Growing
            let problem = ProblemUnder(settings.KeyPrefix + prefix, rules, settings.Retention.Days)
            where problem is not null
            select CheckFinding.Problem(subject, problem);
        return problems.FirstOrDefault()
            ?? CheckFinding.Good(subject, $"objects go after {settings.Retention.Days} days");
    }

    private static string? ProblemUnder(string prefix, IReadOnlyList<LifecycleRule> rules, int wanted)
    {
        var days = DaysUntilDeleted(rules, prefix);
        if (days is null) return $"no rule deletes old objects under {prefix}; aws provision sets one";
        if (days == wanted) return null;
        var found =
            $"objects under {prefix} go after {days} days and not after {BucketSettings.RetentionKey} = {wanted}";
        // S3 applies the soonest of several rules, so a further rule cannot lengthen the time.
        return days > wanted ? $"{found}; aws provision sets it" : $"{found}; change that rule, or the setting";
    }

    // If several rules apply to an object, the soonest wins.
    private static int? DaysUntilDeleted(IEnumerable<LifecycleRule> rules, string prefix) => rules
        .Where(rule => rule.Status == LifecycleRuleStatus.Enabled && IsForAllUnder(rule, prefix))
        .Min(rule => rule.Expiration?.Days);

    private static bool IsForAllUnder(LifecycleRule rule, string prefix) => rule.Filter?.LifecycleFilterPredicate switch
    {
        null => prefix.StartsWith(OldForm(rule), StringComparison.Ordinal),
        LifecyclePrefixPredicate only => prefix.StartsWith(only.Prefix ?? "", StringComparison.Ordinal),
        // Rules can also filter by tags or sizes.
        _ => false,
    };

    // A rule of the old form has no filter. The SDK gives its prefix only in this property, which it calls obsolete
    // because new rules should have a filter.
#pragma warning disable CS0618
    private static string OldForm(LifecycleRule rule) => rule.Prefix ?? "";
#pragma warning restore CS0618
}
