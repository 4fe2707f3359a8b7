using System.Net;
using WireMock;
using WireMock.RequestBuilders;
using WireMock.ResponseBuilders;
using WireMock.Server;
using WireMock.Types;
using WireMock.Util;

namespace ImageClassifier.Tests.Aws.Identity;

/// <summary>The instance metadata service on loopback, version 2. A value needs a token that it issued and that has not
/// expired.</summary>
internal sealed class FakeImds : IDisposable
{
    public const string InstanceId = "i-0123456789abcdef0";

    private readonly WireMockServer _server = WireMockServer.Start();
    private readonly Lock _gate = new();
    private string _token = "none";
    private int _tokensGiven;
    private int _noticeQuestions;

    public FakeImds()
    {
        Url = _server.Url!;
        _server.Given(Request.Create().WithPath("/latest/api/token").UsingAnyMethod())
            .RespondWith(Response.Create().WithCallback(GiveToken));
        _server.Given(Request.Create().WithPath("/latest/meta-data/*").UsingGet())
            .RespondWith(Response.Create().WithCallback(GiveValue));
    }

    public string Url { get; }

    /// <summary>The notice of the spot interruption; null for none.</summary>
    public string? Notice { get; set; }

    public bool IsFailing { get; set; }

    public int TokensGiven => Volatile.Read(ref _tokensGiven);

    public int NoticeRequests => Volatile.Read(ref _noticeQuestions);

    public void ExpireTokens()
    {
        lock (_gate) _token = "none";
    }

    public void Dispose() => _server.Dispose();

    private IResponseMessage GiveToken(IRequestMessage request)
    {
        var life = Header(request, "X-aws-ec2-metadata-token-ttl-seconds");
        if (request.Method != "PUT") return Answer(HttpStatusCode.MethodNotAllowed);
        if (!int.TryParse(life, out var seconds) || seconds is < 1 or > 21600) return Answer(HttpStatusCode.BadRequest);
        lock (_gate)
        {
            _token = $"AQAEAExample{Interlocked.Increment(ref _tokensGiven)}==";
            return Answer(HttpStatusCode.OK, _token);
        }
    }

    private IResponseMessage GiveValue(IRequestMessage request)
    {
        if (request.Path.EndsWith("/spot/instance-action", StringComparison.Ordinal))
            Interlocked.Increment(ref _noticeQuestions);
        if (IsFailing) return Answer(HttpStatusCode.ServiceUnavailable);
        lock (_gate)
        {
            if (Header(request, "X-aws-ec2-metadata-token") != _token) return Answer(HttpStatusCode.Unauthorized);
        }

        return request.Path switch
        {
            "/latest/meta-data/instance-id" => Answer(HttpStatusCode.OK, InstanceId),
            "/latest/meta-data/spot/instance-action" when Notice is { } notice => Answer(HttpStatusCode.OK, notice),
            _ => Answer(HttpStatusCode.NotFound),
        };
    }

    private static string? Header(IRequestMessage request, string name) =>
        request.Headers is { } headers && headers.TryGetValue(name, out var values) ? values?.SingleOrDefault() : null;

    private static ResponseMessage Answer(HttpStatusCode status, string body = "") => new()
    {
        StatusCode = status,
        BodyData = new BodyData { DetectedBodyType = BodyType.String, BodyAsString = body },
    };
}
