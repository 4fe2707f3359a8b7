using Amazon.Runtime;
using Amazon.S3;
using Amazon.SQS;
using ImageClassifier.Adapters.Aws.Check;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Provisioning;
using ImageClassifier.Core;
using ImageClassifier.Tests.Aws.Emulator;
using ImageClassifier.Tests.Aws.Provisioning;
using Xunit;

namespace ImageClassifier.Tests.Aws.Check;

/// <summary>Each possible fault is reported in one line. The emulator has what is right.</summary>
[Collection(EmulatedAws.Name)]
public sealed class AwsCheckSpecs : IDisposable
{
    private static readonly TimeSpan LongestJob = TimeSpan.FromSeconds(10);

    private readonly EmulatedAws _aws;
    private readonly StubbedAws _stub = new();
    private readonly AwsSettings _settings;

    public AwsCheckSpecs(EmulatedAws aws)
    {
        _aws = aws;
        _settings = EmulatedAws.Settings(_stub.Endpoint);
    }

    public void Dispose() => _stub.Dispose();

    [SkippableFact]
    public async Task A_provisioned_deployment_has_no_problem()
    {
        await ProvisionAsync();

        var findings = await CheckAsync(_aws.Sqs, _aws.S3);

        // The emulator has no settings of buckets.
        Assert.All(findings.Where(finding => !finding.Subject.Contains(": ", StringComparison.Ordinal)),
            finding => Assert.False(finding.IsProblem, finding.ToString()));
        Assert.Contains(findings, finding => finding.Text == "objects may be stored once, read and deleted");
        Assert.All(findings, finding => Assert.DoesNotContain('\n', finding.ToString()));
    }

    [Fact]
    public async Task Missing_credentials_are_reported()
    {
        using var stub = new StubbedAws(new NoCredentials());

        var problem = Assert.Single(await ProblemsAsync(stub.Sqs, stub.S3));

        Assert.Equal("credentials", problem.Subject);
        Assert.StartsWith("no credentials were found", problem.Text, StringComparison.Ordinal);
        Assert.Contains("raise the hop limit to 2", problem.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Credentials_unknown_to_AWS_are_reported()
    {
        _stub.On(StubbedAws.SqsCall("GetQueueUrl"), StubbedAws.SqsError(
            403, "com.amazon.coral.service#UnrecognizedClientException", "InvalidClientTokenId",
            "The security token included in the request is invalid."));

        var problem = Assert.Single(await ProblemsAsync(_stub.Sqs, _stub.S3));

        Assert.StartsWith("AWS does not take the credentials", problem.Text, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Missing_queues_and_buckets_are_reported()
    {
        var problems = await ProblemsAsync(_aws.Sqs, _aws.S3);

        Assert.Equal(
            [
                $"wrong: queue {_settings.Queues.Requests.Name}: there is no such queue for this account in region "
                    + $"us-east-1 ({AwsQueuesSettings.RequestsKey}); aws provision creates it",
                $"wrong: queue {_settings.Queues.Responses.Name}: there is no such queue for this account in region "
                    + $"us-east-1 ({AwsQueuesSettings.ResponsesKey}); aws provision creates it",
                $"wrong: bucket {_settings.Bucket.Name}: there is no such bucket ({BucketSettings.NameKey}); "
                    + "aws provision creates it",
            ],
            problems.Select(problem => problem.ToString()));
    }

    [Fact]
    public void An_invalid_FIFO_queue_name_is_a_wrong_setting()
    {
        var failure = Assert.Throws<InvalidSettingException>(
            () => EmulatedAws.Queue(AwsQueuesSettings.RequestsKey, "requests", "jobs"));

        Assert.Equal(AwsQueuesSettings.RequestsKey, failure.Key);
        Assert.Contains(".fifo", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_queue_that_is_not_FIFO_is_reported()
    {
        StubQueues("""{"VisibilityTimeout":"30"}""");

        Assert.Contains(await ProblemsAsync(_stub.Sqs, _stub.S3),
            problem => problem.Text.StartsWith("it is not a FIFO queue", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Wrong_attributes_are_reported()
    {
        StubQueues(
            """
            {"FifoQueue":"true","DeduplicationScope":"queue","FifoThroughputLimit":"perQueue","VisibilityTimeout":"5",
            "RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:1:gone.fifo\",\"maxReceiveCount\":\"5\"}"}
            """);
        _stub.On(
            StubbedAws.SqsCall("GetQueueUrl").WithBody(new WireMock.Matchers.WildcardMatcher("*gone.fifo*")),
            StubbedAws.SqsError(400, "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
                "The specified queue does not exist."),
            priority: -1);

        var problems = await ProblemsAsync(_stub.Sqs, _stub.S3);
        var texts = problems
            .Where(problem => problem.Subject == $"queue {_settings.Queues.Requests.Name}")
            .Select(problem => problem.Text)
            .ToArray();

        Assert.Collection(
            texts,
            text => Assert.StartsWith("DeduplicationScope is queue and must", text, StringComparison.Ordinal),
            text => Assert.StartsWith("FifoThroughputLimit is perQueue", text, StringComparison.Ordinal),
            text => Assert.StartsWith("its visibility timeout is 5 s", text, StringComparison.Ordinal),
            text => Assert.StartsWith("its maxReceiveCount is 5 and must be 20", text, StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.Subject == "queue gone.fifo"
            && problem.Text.StartsWith("the dead-letter queue of ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_queue_without_a_dead_letter_queue_is_reported()
    {
        StubQueues("""{"FifoQueue":"true"}""");

        Assert.Contains(await ProblemsAsync(_stub.Sqs, _stub.S3),
            problem => problem.Text.StartsWith("it has no dead-letter queue", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task A_lease_shorter_than_a_job_is_reported()
    {
        await ProvisionAsync();

        var findings = await new AwsCheck(
            AwsRole.Web, _aws.Sqs, _aws.S3, _settings, TimeSpan.FromMinutes(1)).RunAsync(default);

        Assert.Contains(findings, finding => finding.IsProblem && finding.Text.StartsWith(
            "image-classifier.queues.requests.lease = 30 s is shorter than a job can take (60 s)",
            StringComparison.Ordinal));
    }

    [Fact]
    public async Task Each_missing_permission_is_reported()
    {
        StubQueues("""{"FifoQueue":"true"}""");
        foreach (var (operation, action) in new[]
        {
            ("SendMessageBatch", "sqs:sendmessage"), ("ReceiveMessage", "sqs:receivemessage"),
            ("DeleteMessageBatch", "sqs:deletemessage"),
            ("ChangeMessageVisibilityBatch", "sqs:changemessagevisibility"),
        }) _stub.On(StubbedAws.SqsCall(operation), StubbedAws.SqsForbidden(action), priority: -1);
        _stub.On(StubbedAws.AnyS3Call(), StubbedAws.S3Error(403, "AccessDenied", "Access Denied"));

        var texts = (await ProblemsAsync(_stub.Sqs, _stub.S3)).Select(problem => problem.Text).ToArray();

        foreach (var permission in new[]
        {
            "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility",
            "s3:ListBucket", "s3:PutObject",
        })
        {
            Assert.Contains(texts, text =>
                text.StartsWith($"no permission for {permission} (AccessDenied", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(301, "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint.")]
    [InlineData(400, "AuthorizationHeaderMalformed",
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'")]
    public async Task A_bucket_in_another_region_is_reported(int status, string code, string message)
    {
        StubQueues("""{"FifoQueue":"true"}""");
        _stub.On(StubbedAws.AnyS3Call(), StubbedAws.S3Error(status, code, message));

        Assert.Contains(await ProblemsAsync(_stub.Sqs, _stub.S3), problem => problem.Text.StartsWith(
            $"it is in another region than us-east-1, which {AwsSettings.RegionKey} gives", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_missing_network_is_reported()
    {
        using var clients = EmulatedAws.ClientsOf(new Uri("http://127.0.0.1:1"));

        var problem = Assert.Single(await ProblemsAsync(clients.Sqs(TimeSpan.Zero), clients.S3()));

        Assert.StartsWith("they could not be tried (SQS GetQueueUrl failed", problem.Text, StringComparison.Ordinal);
    }

    private void StubQueues(string attributes)
    {
        _stub.On(StubbedAws.SqsCall("GetQueueUrl"), StubbedAws.Json($$"""{"QueueUrl":"{{StubbedAws.QueueUrl}}"}"""));
        _stub.On(StubbedAws.SqsCall("GetQueueAttributes"), StubbedAws.Json($$"""{"Attributes":{{attributes}}}"""));
    }

    private async Task ProvisionAsync()
    {
        var bucket = new StubbedBucketSettings(_stub, _settings.Bucket.Name);
        await new AwsProvisioning(_aws.Sqs, _stub.S3, _settings).RunAsync(dryRun: false, default);
        Assert.True(bucket.IsThere);
        await _aws.S3.PutBucketAsync(_settings.Bucket.Name);
    }

    private Task<IReadOnlyList<CheckFinding>> CheckAsync(IAmazonSQS sqs, IAmazonS3 s3) =>
        new AwsCheck(AwsRole.Web, sqs, s3, _settings, LongestJob).RunAsync(default);

    private async Task<CheckFinding[]> ProblemsAsync(IAmazonSQS sqs, IAmazonS3 s3) =>
        [.. (await CheckAsync(sqs, s3)).Where(finding => finding.IsProblem)];

    /// <summary>Fails like the SDK's chain without credentials.</summary>
    private sealed class NoCredentials : AWSCredentials
    {
        public override ImmutableCredentials GetCredentials() => throw Nothing();

        public override Task<ImmutableCredentials> GetCredentialsAsync() => throw Nothing();

        private static AmazonClientException Nothing() =>
            new("Failed to resolve AWS credentials. The credential providers used to search for credentials returned "
                + "the following errors: ...");
    }
}
