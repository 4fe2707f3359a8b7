namespace ImageClassifier.EndToEnd.Cloud;

/// <summary>A role of <c>deploy/iam</c>. The proxy recognises it by its access key.</summary>
internal sealed record CloudRole(string Name)
{
    public static readonly CloudRole Deployer = new("deployer")
    {
        Policies = ["deployer", "deployer-roles", "deployer-images"],
    };

    public static readonly CloudRole Web = new("web");
    public static readonly CloudRole Node = new("node");
    public static readonly CloudRole Operator = new("operator");

    /// <summary>The policy files of the role in <c>deploy/iam</c>.</summary>
    public IReadOnlyList<string> Policies { get; private init; } = [Name];

    public string AccessKey { get; } = $"AKIA{Name.ToUpperInvariant()}".PadRight(20, '0');

    /// <summary>The environment variables of a program that calls AWS as this role.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string>
    {
        ["AWS_ACCESS_KEY_ID"] = $"AKIA{Name.ToUpperInvariant()}".PadRight(20, '0'),
        ["AWS_SECRET_ACCESS_KEY"] = "no-secret",
    };
}
