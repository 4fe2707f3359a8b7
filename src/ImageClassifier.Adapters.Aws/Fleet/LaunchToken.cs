using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>
/// Names one launch of this deployment to EC2. EC2 takes a client token for each call, and a launch can take several
/// calls; each has its own token that begins with this one. The same launch always gives the same tokens, also after a
/// restart, so that EC2 itself answers a repeated call with the instances of the first.
/// </summary>
internal readonly record struct LaunchToken
{
    // EC2 takes 64 ASCII characters: 40 of the digest, and the rest for the attempt.
    private const int DigestLength = 40;

    private readonly string _prefix;

    private LaunchToken(string prefix) => _prefix = prefix;

    /// <summary>The token of a launch.</summary>
    /// <param name="deployment">Client tokens are shared by a whole account and region.</param>
    /// <param name="clientToken">The caller's name of the launch, of any length.</param>
    public static LaunchToken Of(string deployment, string clientToken)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{deployment}\n{clientToken}"));
        return new LaunchToken($"{Convert.ToHexStringLower(digest)[..DigestLength]}.");
    }

    /// <summary>The token of one call.</summary>
    /// <param name="candidate">Which candidate it tries.</param>
    /// <param name="attempt">Which attempt at that candidate it is, from 0; each asks for another count, which EC2
    /// would refuse under a token that it has seen.</param>
    public string ForAttempt(int candidate, int attempt) =>
        string.Create(CultureInfo.InvariantCulture, $"{_prefix}{candidate}.{attempt}");

    /// <summary>Says whether an instance came from this launch.</summary>
    /// <param name="instanceClientToken">The token that EC2 keeps with the instance.</param>
    public bool Launched(string? instanceClientToken) =>
        instanceClientToken?.StartsWith(_prefix, StringComparison.Ordinal) ?? false;
}
