using System.Collections.Concurrent;
using System.Net;
using Amazon.EC2;
using Amazon.Runtime;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>A proxy before an emulator of AWS. The emulator checks no permission, so the proxy refuses calls that the
/// caller's policy does not allow. It identifies callers by their access keys, and does not check signatures.</summary>
internal sealed class PolicyProxy : IAsyncDisposable
{
    // These headers belong to one connection, not to the message.
    private static readonly string[] OfConnection =
        ["Host", "Connection", "Keep-Alive", "Transfer-Encoding", "Expect", "Content-Length"];

    private static readonly UriCreationOptions AsSent = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly Uri _aws;
    private readonly AmazonEC2Client _ec2;
    private readonly AccountFacts _facts;
    private readonly CallReader _reader;
    private readonly WebApplication _web;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false })
    {
        Timeout = TimeSpan.FromMinutes(1),
    };

    private readonly ConcurrentDictionary<string, Caller> _callers = new();
    private readonly ConcurrentQueue<Refusal> _refused = new();
    private readonly ConcurrentQueue<string> _notModelled = new();

    private PolicyProxy(Uri aws, string region)
    {
        _aws = aws;
        _ec2 = new AmazonEC2Client(
            new BasicAWSCredentials("owner", "none"),
            new AmazonEC2Config { ServiceURL = aws.ToString(), AuthenticationRegion = region });
        _facts = new AccountFacts(_ec2, aws, region);
        _reader = new CallReader(_facts);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _web = builder.Build();
        _web.Run(HandleAsync);
    }

    /// <summary>The address of all services for the callers.</summary>
    public Uri Endpoint => new(_web.Urls.Single());

    /// <summary>The refusals, in order.</summary>
    public IReadOnlyCollection<Refusal> Refused => _refused;

    /// <summary>Starts a proxy without callers.</summary>
    /// <param name="aws">The emulator.</param>
    /// <param name="region">The region of the deployment.</param>
    public static async Task<PolicyProxy> StartAsync(Uri aws, string region)
    {
        var proxy = new PolicyProxy(aws, region);
        await proxy._web.StartAsync();
        return proxy;
    }

    /// <summary>Adds a caller with its policy.</summary>
    public void Admit(string role, string accessKey, IamPolicy policy) =>
        _callers[accessKey] = new Caller(role, policy);

    /// <summary>Fails the running test if these tests did not know a call.</summary>
    public void AssertAllUnderstood() => Assert.Empty(_notModelled);

    public async ValueTask DisposeAsync()
    {
        await _web.DisposeAsync();
        _http.Dispose();
        _facts.Dispose();
        _ec2.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        try
        {
            var request = await SignedRequest.ReadAsync(context.Request);
            if (!_callers.TryGetValue(request.AccessKey, out var caller))
                throw new NotModelledException($"the caller {request.AccessKey}");
            var refusal = RefusalOf(caller, await _reader.ReadAsync(request));
            using var answer = refusal is null ? await ForwardAsync(request) : null;
            if (answer?.StatusCode == HttpStatusCode.NotFound)
                refusal = RefusalOf(caller, S3Calls.ToLearnOfAbsence(request));
            if (refusal is null)
            {
                await ReturnAsync(answer!, context);
                return;
            }

            _refused.Enqueue(refusal);
            await refusal.AnswerAsync(request, context.Response);
        }
        catch (NotModelledException failure)
        {
            _notModelled.Enqueue(failure.Message);
            context.Response.StatusCode = StatusCodes.Status501NotImplemented;
            await context.Response.WriteAsync(failure.Message);
        }
    }

    private static Refusal? RefusalOf(Caller caller, IEnumerable<NeededPermission> needed) =>
        needed.FirstOrDefault(permission => !caller.Policy.Allows(permission)) is { } missing
            ? new Refusal(caller.Role, missing)
            : null;

    private async Task<HttpResponseMessage> ForwardAsync(SignedRequest request)
    {
        var address = new Uri($"{_aws.ToString().TrimEnd('/')}{request.Target}", AsSent);
        using var forwarded = new HttpRequestMessage(new HttpMethod(request.Http.Method), address)
        {
            Content = new ByteArrayContent(request.Body),
        };
        // The emulator builds the URLs of queues from it.
        forwarded.Headers.Host = request.Http.Host.Value;
        foreach (var (name, values) in request.Http.Headers.Where(header => IsOfMessage(header.Key)))
        {
            if (!forwarded.Headers.TryAddWithoutValidation(name, values.ToArray()))
                forwarded.Content.Headers.TryAddWithoutValidation(name, values.ToArray());
        }

        return await _http.SendAsync(forwarded);
    }

    private static async Task ReturnAsync(HttpResponseMessage answer, HttpContext context)
    {
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers)
            .Where(header => IsOfMessage(header.Key)))
        {
            context.Response.Headers[name] = values.ToArray();
        }

        context.Response.ContentLength = answer.Content.Headers.ContentLength;
        if (context.Request.Method != HttpMethods.Head) await answer.Content.CopyToAsync(context.Response.Body);
    }

    private static bool IsOfMessage(string header) =>
        !OfConnection.Contains(header, StringComparer.OrdinalIgnoreCase);

    private sealed record Caller(string Role, IamPolicy Policy);
}
