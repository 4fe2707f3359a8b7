namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The permission that a call needs: an action on a resource, and the values for the conditions of a
/// policy.</summary>
/// <param name="Action">The action, such as <c>sqs:SendMessage</c>.</param>
/// <param name="Resource">An ARN; <c>*</c> if AWS has no resource type for the action.</param>
/// <param name="Context">The values of condition keys. A missing key has no value in this call.</param>
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
