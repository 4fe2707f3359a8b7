using System.Text.Json;
using System.Text.RegularExpressions;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Aws.Emulator;
using WireMock;
using WireMock.RequestBuilders;
using WireMock.ResponseBuilders;
using WireMock.Server;
using WireMock.Types;
using WireMock.Util;

namespace ImageClassifier.Tests.Aws.Check;

/// <summary>The SQS and S3 of a healthy deployment. They allow exactly the actions and resources of the role's policy
/// in <c>deploy/iam</c>.</summary>
internal sealed class PolicedAws : IDisposable
{
    private const string Deployment = "pics";
    private const string Bucket = "pics-bucket";

    private readonly WireMockServer _server = WireMockServer.Start();
    private readonly List<(string Action, Regex Resource)> _allowed;
    private string? _stored;

    /// <param name="policy">The name of the policy: <c>web</c>.</param>
    /// <param name="without">An action to remove from the policy.</param>
    public PolicedAws(string policy, string? without = null)
    {
        _allowed =
        [
            .. Statements(policy).Where(pair => pair.Item1 != without)
                .Select(pair => (pair.Item1, ResourceForm(pair.Item2))),
        ];
        _server.Given(Request.Create().UsingAnyMethod()).RespondWith(Response.Create().WithCallback(Answer));
        Clients = EmulatedAws.ClientsOf(new Uri(_server.Url!));
    }

    public AwsClients Clients { get; }

    public static AwsSettings Settings { get; } = new(
        "us-east-1", EndpointOverrides.None,
        new AwsQueuesSettings(
            EmulatedAws.Queue(AwsQueuesSettings.RequestsKey, "requests", $"{Deployment}-requests.fifo"),
            EmulatedAws.Queue(AwsQueuesSettings.ResponsesKey, "responses", $"{Deployment}-responses.fifo")),
        new BucketSettings(Bucket, keyPrefix: "", TimeSpan.FromDays(30)));

    public void Dispose()
    {
        Clients.Dispose();
        _server.Dispose();
    }

    private static IEnumerable<(string, string)> Statements(string policy)
    {
        var file = Path.Combine(Repository.Root, "deploy", "iam", $"{policy}.json");
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        return
        [
            .. from statement in document.RootElement.GetProperty("Statement").EnumerateArray()
               from action in Texts(statement.GetProperty("Action"))
               from resource in Texts(statement.GetProperty("Resource"))
               select (action, resource),
        ];
    }

    private static IEnumerable<string> Texts(JsonElement element) => element.ValueKind == JsonValueKind.Array
        ? [.. element.EnumerateArray().Select(text => text.GetString()!)]
        : [element.GetString()!];

    private static Regex ResourceForm(string resource)
    {
        var filled = resource.Replace("REGION", "us-east-1", StringComparison.Ordinal)
            .Replace("ACCOUNT", "123456789012", StringComparison.Ordinal)
            .Replace("DEPLOYMENT", Deployment, StringComparison.Ordinal)
            .Replace("PACKAGE_BUCKET", "packages", StringComparison.Ordinal)
            .Replace("BUCKET", Bucket, StringComparison.Ordinal);
        return new Regex($"^{Regex.Escape(filled).Replace("\\*", ".*", StringComparison.Ordinal)}$");
    }

    private bool Allows(string action, string resource) =>
        _allowed.Exists(one => one.Action == action && one.Resource.IsMatch(resource));

    private ResponseMessage Answer(IRequestMessage request) =>
        request.Headers?.TryGetValue("X-Amz-Target", out var target) == true
            ? AnswerQueue(target[0].Split('.')[1], request.Body ?? "")
            : AnswerBucket(request);

    private ResponseMessage AnswerQueue(string operation, string body)
    {
        using var document = JsonDocument.Parse(body);
        var queue = operation == "GetQueueUrl"
            ? document.RootElement.GetProperty("QueueName").GetString()!
            : document.RootElement.GetProperty("QueueUrl").GetString()!.Split('/')[^1];
        var action = $"sqs:{operation.Replace("Batch", "", StringComparison.Ordinal)}";
        if (!Allows(action, $"arn:aws:sqs:us-east-1:123456789012:{queue}"))
            return Json(403, """{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no"}""");
        return operation switch
        {
            "GetQueueUrl" => Json(200, $$"""{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/123456789012/{{queue}}"}"""),
            "GetQueueAttributes" => Json(200, JsonSerializer.Serialize(new
            {
                Attributes = new Dictionary<string, string>
                {
                    ["FifoQueue"] = "true",
                    ["DeduplicationScope"] = "messageGroup",
                    ["FifoThroughputLimit"] = "perMessageGroupId",
                    ["VisibilityTimeout"] = "30",
                    ["RedrivePolicy"] = JsonSerializer.Serialize(new
                    {
                        deadLetterTargetArn = $"arn:aws:sqs:us-east-1:123456789012:{queue[..^5]}-dead.fifo",
                        maxReceiveCount = 80,
                    }),
                },
            })),
            _ => Json(400, """{"__type":"com.amazonaws.sqs#InvalidParameterValue","message":"wrong in itself"}"""),
        };
    }

    private ResponseMessage AnswerBucket(IRequestMessage request)
    {
        var query = request.Query?.Keys.ToHashSet() ?? [];
        var key = request.Path.Length > Bucket.Length + 2 ? request.Path[(Bucket.Length + 2)..] : "";
        var action = (request.Method, key) switch
        {
            ("GET", "") when query.Contains("publicAccessBlock") => "s3:GetBucketPublicAccessBlock",
            ("GET", "") when query.Contains("encryption") => "s3:GetEncryptionConfiguration",
            ("GET", "") when query.Contains("versioning") => "s3:GetBucketVersioning",
            ("GET", "") when query.Contains("lifecycle") => "s3:GetLifecycleConfiguration",
            ("GET", "") => "s3:ListBucket",
            ("GET", _) => "s3:GetObject",
            ("DELETE", _) when query.Contains("uploadId") => "s3:AbortMultipartUpload",
            ("DELETE", _) => "s3:DeleteObject",
            _ => "s3:PutObject",
        };
        var resource = key.Length == 0 ? $"arn:aws:s3:::{Bucket}" : $"arn:aws:s3:::{Bucket}/{key}";
        if (!Allows(action, resource)) return Error(403, "AccessDenied");
        return (action, request.Method) switch
        {
            ("s3:GetBucketPublicAccessBlock", _) => Xml(200,
                "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><BlockPublicPolicy>true"
                + "</BlockPublicPolicy><IgnorePublicAcls>true</IgnorePublicAcls><RestrictPublicBuckets>true"
                + "</RestrictPublicBuckets></PublicAccessBlockConfiguration>"),
            ("s3:GetEncryptionConfiguration", _) => Xml(200,
                "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256"
                + "</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"),
            ("s3:GetBucketVersioning", _) => Xml(200, "<VersioningConfiguration/>"),
            // As in the template: a rule for each prefix.
            ("s3:GetLifecycleConfiguration", _) => Xml(200, "<LifecycleConfiguration>" + string.Concat(
                ExpiringKeys.Prefixes.Select((prefix, i) => $"<Rule><ID>{i}</ID><Prefix>{prefix}</Prefix>"
                    + "<Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule>"))
                + "</LifecycleConfiguration>"),
            ("s3:ListBucket", _) => Xml(200, "<ListBucketResult></ListBucketResult>"),
            ("s3:GetObject", _) => key == _stored ? Xml(200, "check") : Error(404, "NoSuchKey"),
            ("s3:PutObject", "POST") => Error(404, "NoSuchUpload"),
            ("s3:PutObject", _) => Interlocked.CompareExchange(ref _stored, key, null) is null
                ? Xml(200, "")
                : Error(412, "PreconditionFailed"),
            ("s3:AbortMultipartUpload", _) => Error(404, "NoSuchUpload"),
            _ => Xml(204, ""),
        };
    }

    private static ResponseMessage Error(int status, string code) =>
        Xml(status, $"<Error><Code>{code}</Code><Message>said S3</Message></Error>");

    private static ResponseMessage Json(int status, string body) => Message(status, "application/x-amz-json-1.0", body);

    private static ResponseMessage Xml(int status, string body) => Message(status, "application/xml", body);

    private static ResponseMessage Message(int status, string type, string body) => new()
    {
        StatusCode = status,
        Headers = new Dictionary<string, WireMockList<string>> { ["Content-Type"] = new(type) },
        BodyData = new BodyData { DetectedBodyType = BodyType.String, BodyAsString = body },
    };
}
