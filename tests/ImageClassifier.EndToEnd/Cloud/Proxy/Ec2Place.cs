namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The resources of EC2 in one region, and the values of conditions there.</summary>
internal sealed class Ec2Place(string region)
{
    public string Arn(string type, string id)
    {
        // Another account may own an image or snapshot.
        var account = type is "image" or "snapshot" ? "" : AccountFacts.Account;
        return $"arn:aws:ec2:{region}:{account}:{type}/{id}";
    }

    /// <summary>The values that every call has, and those of its tags.</summary>
    public Dictionary<string, string> Context(
        params (string KeyPrefix, IReadOnlyDictionary<string, string>? Tags)[] tagged)
    {
        var context = new Dictionary<string, string> { [ConditionKeys.RequestedRegion] = region };
        foreach (var (prefix, tags) in tagged)
        {
            foreach (var (key, value) in tags ?? new Dictionary<string, string>()) context[prefix + key] = value;
        }

        return context;
    }

    /// <summary>The permission of a call to tag the resources that it creates.</summary>
    public IEnumerable<NeededPermission> TagsOnCreation(
        string operation, IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> tags)
    {
        foreach (var (type, ofType) in tags)
        {
            var context = Context((ConditionKeys.RequestTag, ofType));
            context[ConditionKeys.CreateAction] = operation;
            yield return new NeededPermission("ec2:CreateTags", Arn(type, "*"), context);
        }
    }
}
