using System.Globalization;
using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Checks whether the lifecycle rules of a bucket delete old objects and keep models. The rules may have any
/// origin.</summary>
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
        return problems.FirstOrDefault() ?? (DeletesModels(rules, settings.KeyPrefix + ObjectKeys.Models) is { } when
            ? CheckFinding.Problem(
                subject, $"a rule deletes models {when}, those in use too; aws provision mends a rule of its "
                + "own, a rule of someone else must spare models/")
            : CheckFinding.Good(subject, $"objects go after {settings.Retention.Days} days, and models stay"));
    }

    /// <summary>When a rule deletes models, as a phrase; null if none does.</summary>
    private static string? DeletesModels(IEnumerable<LifecycleRule> rules, string models)
    {
        var deleting = rules
            .Where(rule => rule.Status == LifecycleRuleStatus.Enabled && IsForSomeUnder(rule, models))
            .Select(rule => rule.Expiration)
            .ToList();
        if (deleting.Min(expiration => expiration?.Days) is { } days) return $"after {days} days";
        return deleting.Min(expiration => expiration?.Date) is { } date
            ? string.Create(CultureInfo.InvariantCulture, $"from {date:yyyy-MM-dd} on")
            : null;
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

    // Rules can also filter by tags or sizes.
    private static bool IsForAllUnder(LifecycleRule rule, string prefix) =>
        Conditions(rule).All(condition => condition is LifecyclePrefixPredicate)
        && prefix.StartsWith(PrefixOf(rule), StringComparison.Ordinal);

    // A rule for a single model or for a size counts too. The program's objects have no tags.
    private static bool IsForSomeUnder(LifecycleRule rule, string prefix) =>
        !Conditions(rule).Any(condition => condition is LifecycleTagPredicate)
        && (prefix.StartsWith(PrefixOf(rule), StringComparison.Ordinal)
            || PrefixOf(rule).StartsWith(prefix, StringComparison.Ordinal));

    private static IReadOnlyList<LifecycleFilterPredicate> Conditions(LifecycleRule rule) =>
        rule.Filter?.LifecycleFilterPredicate switch
        {
            null => [],
            LifecycleAndOperator all => all.Operands ?? [],
            var only => [only],
        };

    private static string PrefixOf(LifecycleRule rule) =>
        Conditions(rule).OfType<LifecyclePrefixPredicate>().FirstOrDefault()?.Prefix ?? OldForm(rule);

    // A rule of the old form has no filter. The SDK gives its prefix only in this property, which it calls obsolete
    // because new rules should have a filter.
#pragma warning disable CS0618
    private static string OldForm(LifecycleRule rule) => rule.Prefix ?? "";
#pragma warning restore CS0618
}
