using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>
/// The name of one launch in EC2. A launch can take several calls, and each call has a client token that begins with
/// this name. A repeated launch has the same tokens, also after a restart. So EC2 answers a repeated call with the
/// instances of the first.
/// </summary>
internal readonly record struct LaunchToken
{
    // EC2 takes 64 ASCII characters: 40 of the digest, and the rest for the step and the attempt.
    private const int DigestLength = 40;

    private LaunchToken(string name) => Name = name;

    /// <summary>The launch's name, which its instances have as a tag. (EC2 keeps the client token of RunInstances with
    /// an instance, and not that of CreateFleet.)</summary>
    public string Name { get; }

    /// <summary>The token of a launch.</summary>
    /// <param name="deployment">The deployment; an account and region share one space of client tokens.</param>
    /// <param name="clientToken">The caller's name of the launch, of any length.</param>
    public static LaunchToken Of(string deployment, string clientToken)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{deployment}\n{clientToken}"));
        return new LaunchToken(Convert.ToHexStringLower(digest)[..DigestLength]);
    }

    /// <summary>The token of one call.</summary>
    /// <param name="step">Which step of the launch it is, in a few ASCII characters.</param>
    /// <param name="attempt">Which attempt at that step it is, from 0; each asks for another count, which EC2 would
    /// refuse under a token that it has seen.</param>
    public string ForAttempt(string step, int attempt) =>
        string.Create(CultureInfo.InvariantCulture, $"{Name}.{step}.{attempt}");
}
