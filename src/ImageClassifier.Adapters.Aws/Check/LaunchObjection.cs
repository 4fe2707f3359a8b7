using Amazon.EC2;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Fleet;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Why EC2 refuses a launch.</summary>
/// <param name="Text">What it says, and what helps.</param>
/// <param name="IsOfOneCandidate">Whether another type or subnet may do.</param>
internal sealed record LaunchObjection(string Text, bool IsOfOneCandidate)
{
    public static LaunchObjection Of(Exception failure, string permission)
    {
        var code = (failure as AmazonEC2Exception)?.ErrorCode ?? "";
        return new LaunchObjection(
            $"EC2 refuses {permission} ({Reason(failure)}){Help(code, failure.Message)}", code == "Unsupported");
    }

    // The encoded message differs in each call, and only `aws sts decode-authorization-message` reads it.
    private static string Reason(Exception failure)
    {
        var reason = AwsFailure.Reason(failure);
        var encoded = reason.IndexOf("Encoded authorization failure message", StringComparison.Ordinal);
        return (encoded < 0 ? reason : reason[..encoded]).TrimEnd();
    }

    private static string Help(string code, string message)
    {
        return code switch
        {
            "InvalidLaunchTemplateId.VersionNotFound" => Look("launch-template-version"),
            _ when Begins("InvalidLaunchTemplate") => Look("launch-template"),
            _ when Begins("InvalidSubnet") => Look("subnets"),
            _ when Begins("InvalidAMI") =>
                $"{Look("ami")}, or at the template's image; deploy/image/make-ami.sh makes one in this region",
            _ when Begins("InvalidGroup") || Begins("InvalidSecurityGroup") => Look("security-groups"),
            _ when Begins("InvalidKeyPair") => Look("key-name"),
            "InvalidInstanceType" => Look("instance-types"),
            _ when Says("iamInstanceProfile") || Says("instance profile") => Look("instance-profile"),
            "UnauthorizedOperation" => "; the role needs what deploy/iam/web.json has",
            _ when Begins("AuthFailure.ServiceLinkedRole") =>
                "; create Spot's role once: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com",
            "Unsupported" => $"; {Ec2FleetSettings.Section}.instance-types and .subnets should fit each other",
            _ => "",
        };

        bool Begins(string begin) => code.StartsWith(begin, StringComparison.Ordinal);

        bool Says(string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);
    }

    private static string Look(string key) => $"; look at {Ec2FleetSettings.Section}.{key}";
}
