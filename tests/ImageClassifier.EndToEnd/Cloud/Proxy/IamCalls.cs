namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The permissions of calls to IAM.</summary>
internal static class IamCalls
{
    public const string Ec2 = "ec2.amazonaws.com";

    public static IReadOnlyList<NeededPermission> Read(SignedRequest request)
    {
        var action = $"iam:{request.Operation}";
        var role = request.Form.GetValueOrDefault("RoleName");
        var profile = request.Form.GetValueOrDefault("InstanceProfileName");
        return request.Operation switch
        {
            "CreateRole" => [new NeededPermission(action, Role(role!), BoundaryOf(request))],
            "GetRole" or "DeleteRole" or "GetRolePolicy" or "PutRolePolicy" or "DeleteRolePolicy" =>
                [new NeededPermission(action, Role(role!))],
            "CreateInstanceProfile" or "GetInstanceProfile" or "DeleteInstanceProfile" =>
                [new NeededPermission(action, Profile(profile!))],
            "AddRoleToInstanceProfile" => [new NeededPermission(action, Profile(profile!)), PassToEc2(role!)],
            _ => throw new NotModelledException(action),
        };
    }

    /// <summary>Passing a role to machines.</summary>
    public static NeededPermission PassToEc2(string role) => new(
        "iam:PassRole", Role(role), new Dictionary<string, string> { [ConditionKeys.PassedToService] = Ec2 });

    private static Dictionary<string, string> BoundaryOf(SignedRequest request) =>
        request.Form.GetValueOrDefault("PermissionsBoundary") is { } boundary
            ? new Dictionary<string, string> { [ConditionKeys.PermissionsBoundary] = boundary }
            : [];

    private static string Role(string name) => $"arn:aws:iam::{AccountFacts.Account}:role/{name}";

    private static string Profile(string name) => $"arn:aws:iam::{AccountFacts.Account}:instance-profile/{name}";
}
