using System.Net;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Aws.Identity;

/// <summary>The private address of the EC2 instance that this program runs on.</summary>
public static class Ec2PrivateAddress
{
    /// <summary>Asks the instance metadata service.</summary>
    /// <param name="endpoint">The address of the service; null for the environment's, or else the usual one.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <exception cref="IOException">The service does not answer, or has no address.</exception>
    /// <exception cref="InvalidSettingException">The endpoint is no HTTP address.</exception>
    public static async Task<IPAddress> ReadAsync(string? endpoint, CancellationToken cancellation)
    {
        using var imds = new ImdsClient(endpoint);
        var text = await imds.GetAsync("local-ipv4", cancellation);
        return IPAddress.TryParse(text?.Trim(), out var address)
            ? address
            : throw new IOException($"The instance metadata service gives no private address, but: {text}");
    }
}
