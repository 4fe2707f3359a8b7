using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>The meaning of EC2's error codes for a launch, and what to do. Clients read it. So it does not quote EC2,
/// whose messages name accounts, roles and networks.</summary>
internal static class LaunchAdvice
{
    /// <summary>One sentence or two about an error code, without the last full stop.</summary>
    public static string For(string code) =>
        $"EC2 says {code}: {MeaningOf(code) ?? "the web tier's log has EC2's message"}";

    /// <summary>The same without the code; null if the code is unknown.</summary>
    public static string? MeaningOf(string code) => code switch
    {
        "InsufficientInstanceCapacity" or "InsufficientCapacity" or "InsufficientHostCapacity"
            or "UnfulfillableCapacity" =>
            "it has no such machines to spare. More types, and subnets in more zones, help",
        "InsufficientFreeAddressesInSubnet" or "InsufficientAddressCapacity" =>
            "a subnet has no free address. Use larger subnets, or more of them",
        "SpotMaxPriceTooLow" =>
            "the launch template limits the spot price to less than the market's. Remove the limit",
        "Unsupported" => "a zone does not offer a type. Choose other types, or subnets in other zones",
        "UnsupportedOperation" =>
            "the image and a type do not fit together, most often by their processor architecture. "
            + "Choose types of the image's architecture",
        "VcpuLimitExceeded" or "InstanceLimitExceeded" =>
            "the account's quota of on-demand machines is used up. Ask for more in Service Quotas (Amazon EC2, Running "
            + "On-Demand instances)",
        "MaxSpotInstanceCountExceeded" =>
            "the account's quota of spot machines is used up. Ask for more in Service Quotas (Amazon EC2, Spot "
            + "Instance Requests)",
        _ when code.EndsWith("ServiceLinkedRoleCreationNotPermitted", StringComparison.Ordinal) =>
            "the account lacks Spot's service-linked role. An administrator makes it once, with "
            + "\"aws iam create-service-linked-role --aws-service-name spot.amazonaws.com\"",
        "UnauthorizedOperation" =>
            "the web tier may not launch this. Give its role deploy/iam/web.json with this launch template and these "
            + "types and subnets",
        "AuthFailure" => "it does not take the credentials, or the account may not use this region",
        _ when code.StartsWith("InvalidAMI", StringComparison.Ordinal) =>
            "the image is not in this region. Make one with deploy/image/make-ami.sh, and name it in the launch "
            + "template or in fleet.ec2.ami",
        "InvalidInstanceType" => "a type does not exist in this region. Correct fleet.ec2.instance-types",
        _ when code.StartsWith("InvalidSubnet", StringComparison.Ordinal) =>
            "a subnet does not exist in this region. Correct fleet.ec2.subnets",
        _ when code.StartsWith("InvalidGroup", StringComparison.Ordinal)
            || code.StartsWith("InvalidSecurityGroup", StringComparison.Ordinal) =>
            "a security group does not exist in this network. Correct it in the launch template or in "
            + "fleet.ec2.security-groups",
        _ when code.StartsWith("InvalidKeyPair", StringComparison.Ordinal) =>
            "the key pair does not exist in this region. Correct it in the launch template or in fleet.ec2.key-name",
        _ when code.StartsWith("InvalidLaunchTemplate", StringComparison.Ordinal) =>
            "it does not take the launch template. Correct fleet.ec2.launch-template and launch-template-version",
        "OptInRequired" =>
            "the account is not subscribed to EC2 in this region. Enable the region, and complete the account's "
            + "registration",
        "PendingVerification" =>
            "AWS still verifies the account for this region. Try again in some hours, then ask AWS Support",
        "Blocked" => "AWS has blocked the account. Ask AWS Support",
        "IdempotentParameterMismatch" =>
            "this launch was begun before with another count or other settings. A new launch needs a new client token",
        _ when LaunchRefusals.Of(code) == LaunchRefusal.Throttled =>
            "the account makes too many calls. The launch is tried again after a pause",
        _ when LaunchRefusals.Of(code) == LaunchRefusal.Unanswered =>
            "EC2 itself failed. The launch is tried again after a pause",
        _ => null,
    };
}
