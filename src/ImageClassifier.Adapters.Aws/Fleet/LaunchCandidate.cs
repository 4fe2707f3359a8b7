namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>One way to launch: a type in a subnet.</summary>
/// <param name="Index">Its place in the order in which candidates are tried.</param>
/// <param name="InstanceType">The type; null for the template's.</param>
/// <param name="Subnet">The subnet; null for the template's, or the default one.</param>
internal sealed record LaunchCandidate(int Index, string? InstanceType, string? Subnet)
{
    /// <summary>All candidates in order: the first type in every subnet, then the next type. The order of the types is
    /// a preference, that of the subnets hardly ever is.</summary>
    public static IReadOnlyList<LaunchCandidate> Of(Ec2FleetSettings settings)
    {
        var pairs =
            from type in settings.InstanceTypes.DefaultIfEmpty()
            from subnet in settings.Subnets.DefaultIfEmpty()
            select (type, subnet);
        return [.. pairs.Select((pair, index) => new LaunchCandidate(index, pair.type, pair.subnet))];
    }

    /// <summary>For people.</summary>
    public override string ToString() =>
        $"{InstanceType ?? "the template's type"} in {Subnet ?? "the default subnet"}";
}
