namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>What a caller must be allowed for one call: an action on a resource, and what a policy's conditions can ask
/// about it.</summary>
/// <param name="Action">Such as <c>sqs:SendMessage</c>.</param>
/// <param name="Resource">An ARN; <c>*</c> where AWS knows no resource for the action.</param>
/// <param name="Context">The values of condition keys. A key that is missing has no value for this call.</param>
internal sealed record NeededPermission(
    string Action, string Resource, IReadOnlyDictionary<string, string> Context)
{
    private static readonly Dictionary<string, string> NoContext = [];

    public NeededPermission(string action, string resource) : this(action, resource, NoContext)
    {
    }

    public override string ToString() =>
        Context.Count == 0
            ? $"{Action} on {Resource}"
            : $"{Action} on {Resource} with {string.Join(", ", Context.Select(entry => $"{entry.Key}={entry.Value}"))}";
}
