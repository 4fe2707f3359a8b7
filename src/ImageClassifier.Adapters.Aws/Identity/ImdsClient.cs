using System.Net;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Aws.Identity;

/// <summary>A client of the instance metadata service, version 2. It fetches a token with PUT, keeps it, and sends it
/// with each GET. If the service refuses the token, the client fetches another one once.</summary>
/// <remarks>Calls throw <see cref="IOException"/> if the service does not answer, or not as documented. The SDK's
/// <c>EC2InstanceMetadata</c> is no replacement: it blocks the thread and takes neither cancellation nor endpoint. It
/// returns null both for a missing value and for a service that does not answer.</remarks>
internal sealed class ImdsClient : IDisposable
{
    /// <summary>The SDK's variable for another endpoint.</summary>
    public const string EndpointVariable = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

    private const string DefaultEndpoint = "http://169.254.169.254";
    private const string TokenHeader = "X-aws-ec2-metadata-token";
    private const string TokenLifeHeader = "X-aws-ec2-metadata-token-ttl-seconds";
    private const string TokenLife = "21600";

    // The service is on the machine itself and answers in milliseconds.
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(2);

    private readonly HttpClient _http;
    private string? _token;

    /// <summary>Creates a client. It sends nothing yet.</summary>
    /// <param name="endpoint">The service's address; null for the environment's, or else the usual one.</param>
    /// <exception cref="InvalidSettingException">The endpoint is no HTTP address.</exception>
    public ImdsClient(string? endpoint)
    {
        var address = endpoint ?? Environment.GetEnvironmentVariable(EndpointVariable);
        if (string.IsNullOrEmpty(address)) address = DefaultEndpoint;
        if (!Uri.TryCreate($"{address.TrimEnd('/')}/", UriKind.Absolute, out var uri)
            || uri.Scheme != Uri.UriSchemeHttp)
        {
            throw new InvalidSettingException(
                EndpointVariable, address, "it is an address such as http://169.254.169.254");
        }

        // The address is link-local, so a proxy would answer with its own machine's data.
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false })
        {
            BaseAddress = uri,
            Timeout = CallTimeout,
        };
    }

    /// <summary>Reads one value.</summary>
    /// <param name="path">The path below <c>/latest/meta-data/</c>.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <returns>The text; null if there is none (404).</returns>
    public async Task<string?> GetAsync(string path, CancellationToken cancellation)
    {
        try
        {
            var isKept = _token is not null;
            using var first = await SendAsync(path, cancellation);
            if (first.StatusCode != HttpStatusCode.Unauthorized || !isKept)
                return await ReadAsync(path, first, cancellation);

            _token = null;
            using var second = await SendAsync(path, cancellation);
            return await ReadAsync(path, second, cancellation);
        }
        catch (HttpRequestException failure)
        {
            throw new IOException(
                $"The instance metadata service does not answer: {failure.Message} {MetadataAdvice.InAContainer}",
                failure);
        }
        catch (OperationCanceledException failure) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException(
                $"The instance metadata service did not answer within {CallTimeout.TotalSeconds} s. "
                + MetadataAdvice.InAContainer, failure);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(string path, CancellationToken cancellation)
    {
        _token ??= await FetchTokenAsync(cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"latest/meta-data/{path}");
        request.Headers.Add(TokenHeader, _token);
        return await _http.SendAsync(request, cancellation);
    }

    private async Task<string> FetchTokenAsync(CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "latest/api/token");
        request.Headers.Add(TokenLifeHeader, TokenLife);
        using var answer = await _http.SendAsync(request, cancellation);
        return await ReadAsync("api/token", answer, cancellation) is { Length: > 0 } token
            ? token
            : throw new IOException("The instance metadata service gives no token.");
    }

    private static async Task<string?> ReadAsync(
        string path, HttpResponseMessage answer, CancellationToken cancellation)
    {
        if (answer.StatusCode == HttpStatusCode.NotFound) return null;
        if (answer.StatusCode == HttpStatusCode.OK) return await answer.Content.ReadAsStringAsync(cancellation);
        throw new IOException($"The instance metadata service answers {(int)answer.StatusCode} for {path}.");
    }
}
