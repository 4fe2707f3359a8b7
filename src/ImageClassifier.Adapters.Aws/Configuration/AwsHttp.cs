using Amazon.Runtime;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>The HTTP client of one service: its time limit, its connections, and the count of its requests.</summary>
internal sealed class AwsHttp(string service, TimeSpan timeout, AwsRequestCounter requests)
    : HttpClientFactory, IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    // The client must notice when a name moves to another address.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    private readonly HttpClient _client = new(new CountingHandler(service, requests))
    {
        Timeout = timeout,
    };

    public override HttpClient CreateHttpClient(IClientConfig clientConfig) => _client;

    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

    public void Dispose() => _client.Dispose();

    private sealed class CountingHandler(string service, AwsRequestCounter requests) : DelegatingHandler(
        new SocketsHttpHandler
        {
            // The SDK follows redirects itself, because the new address needs its own signature.
            AllowAutoRedirect = false,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = ConnectionLifetime,
        })
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            requests.Add($"{service} {OperationOf(request)}");
            return base.SendAsync(request, cancellationToken);
        }

        // AWS's JSON protocol names the operation in a header: AmazonSQS.ReceiveMessage. S3 has only the HTTP method.
        private static string OperationOf(HttpRequestMessage request) =>
            request.Headers.TryGetValues("X-Amz-Target", out var targets) && targets.FirstOrDefault() is { } target
                ? target[(target.LastIndexOf('.') + 1)..]
                : request.Method.Method;
    }
}
