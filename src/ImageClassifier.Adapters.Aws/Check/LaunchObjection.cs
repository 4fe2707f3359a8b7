using Amazon.EC2;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Fleet;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Why EC2 refuses a dry run. Unlike <see cref="LaunchAdvice"/> it quotes EC2, because only an administrator
/// reads it.</summary>
/// <param name="Text">The words of EC2, and what to do.</param>
/// <param name="IsOfOneCandidate">True if another type or subnet may work.</param>
internal sealed record LaunchObjection(string Text, bool IsOfOneCandidate)
{
    public static LaunchObjection Of(Exception failure, string permission)
    {
        var code = (failure as AmazonEC2Exception)?.ErrorCode ?? "";
        var advice = IsAboutTheProfile(failure)
            ? $"correct the instance profile in the launch template or in {Ec2FleetSettings.Section}.instance-profile"
            : LaunchAdvice.MeaningOf(code);
        var text = $"EC2 refuses {permission} ({Quote(failure)})";
        return new LaunchObjection(advice is null ? text : $"{text}: {advice}", code == "Unsupported");
    }

    // The encoded message differs in each call, and only `aws sts decode-authorization-message` reads it.
    private static string Quote(Exception failure)
    {
        var reason = AwsFailure.Reason(failure);
        var encoded = reason.IndexOf("Encoded authorization failure message", StringComparison.Ordinal);
        return (encoded < 0 ? reason : reason[..encoded]).TrimEnd();
    }

    // EC2 has no error code for this case.
    private static bool IsAboutTheProfile(Exception failure) =>
        failure.Message.Contains("iamInstanceProfile", StringComparison.OrdinalIgnoreCase)
        || failure.Message.Contains("instance profile", StringComparison.OrdinalIgnoreCase);
}
