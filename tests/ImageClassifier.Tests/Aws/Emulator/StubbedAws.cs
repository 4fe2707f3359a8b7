using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.SQS;
using ImageClassifier.Adapters.Aws.Configuration;
using WireMock.Logging;
using WireMock.Matchers;
using WireMock.RequestBuilders;
using WireMock.ResponseBuilders;
using WireMock.Server;

namespace ImageClassifier.Tests.Aws.Emulator;

/// <summary>Gives AWS's answers over HTTP that no emulator gives, above all errors. The bodies are AWS's own.</summary>
public sealed class StubbedAws : IDisposable
{
    public const string QueueUrl = "https://sqs.us-east-1.amazonaws.com/123456789012/jobs.fifo";

    private readonly WireMockServer _server = WireMockServer.Start();

    public StubbedAws(AWSCredentials? credentials = null)
    {
        Clients = EmulatedAws.ClientsOf(Endpoint, credentials);
        Sqs = Clients.Sqs(TimeSpan.FromSeconds(20));
        S3 = Clients.S3();
    }

    public Uri Endpoint => new(_server.Url!);

    public AwsClients Clients { get; }

    public IAmazonSQS Sqs { get; }

    public IAmazonS3 S3 { get; }

    /// <summary>The received requests, in order.</summary>
    public IEnumerable<ILogEntry> Log => _server.LogEntries;

    public static IRequestBuilder SqsCall(string operation) =>
        Request.Create().WithPath("/").UsingPost().WithHeader("X-Amz-Target", $"AmazonSQS.{operation}");

    public static IRequestBuilder S3Call(string method, string path) =>
        Request.Create().UsingMethod(method).WithPath(new WildcardMatcher(path));

    public static IRequestBuilder AnyS3Call() => Request.Create().UsingAnyMethod().WithPath(new WildcardMatcher("/*"));

    public static IResponseBuilder Json(string body) => Response.Create()
        .WithHeader("Content-Type", "application/x-amz-json-1.0").WithBody(body);

    /// <summary>SQS's JSON protocol names the error in the body, and in a header as in the query protocol.</summary>
    public static IResponseBuilder SqsError(int status, string type, string queryCode, string message) =>
        Json($$"""{"__type":"{{type}}","message":"{{message}}"}""")
            .WithStatusCode(status).WithHeader("x-amzn-query-error", $"{queryCode};Sender");

    public static IResponseBuilder SqsForbidden(string action) => SqsError(
        403, "com.amazon.coral.service#AccessDeniedException", "AccessDenied",
        $"User: arn:aws:iam::123456789012:user/someone is not authorized to perform: {action} on resource: "
        + $"arn:aws:sqs:us-east-1:123456789012:jobs.fifo because no identity-based policy allows the {action} action");

    public static IResponseBuilder S3Error(int status, string code, string message, string more = "") => Xml(
        $"""
        <?xml version="1.0" encoding="UTF-8"?>
        <Error><Code>{code}</Code><Message>{message}</Message>{more}<RequestId>4442587FB7D0A2F9</RequestId></Error>
        """).WithStatusCode(status);

    public static IResponseBuilder Xml(string body) => Response.Create()
        .WithHeader("Content-Type", "application/xml").WithBody(body);

    public static IResponseBuilder Ok() => Response.Create()
        .WithStatusCode(HttpStatusCode.OK).WithHeader("ETag", "\"9a0364b9e99bb480dd25e1f0284c8555\"");

    public void On(IRequestBuilder request, IResponseBuilder answer, int priority = 0) =>
        _server.Given(request).AtPriority(priority).RespondWith(answer);

    /// <summary>Gives the answers in order, and repeats the last one.</summary>
    public void On(IRequestBuilder request, params IResponseBuilder[] answers)
    {
        var scenario = Guid.NewGuid().ToString();
        for (var i = 0; i < answers.Length; i++)
        {
            var step = _server.Given(request).InScenario(scenario);
            var state = i == 0 ? step : step.WhenStateIs($"{i}");
            state.WillSetStateTo($"{Math.Min(i + 1, answers.Length - 1)}").RespondWith(answers[i]);
        }
    }

    public void Dispose()
    {
        Clients.Dispose();
        _server.Dispose();
    }
}
