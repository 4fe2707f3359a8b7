using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Xunit;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The permissions that a request needs. <see cref="PolicyProxySpecs"/> covers launches, because they need the
/// account's templates.</summary>
public sealed class CallReaderSpecs
{
    private const string Queue = "arn:aws:sqs:eu-central-1:123456789012:jobs.fifo";

    [Theory]
    [InlineData("GET", "/pictures/images/b/1.jpg?x-id=GetObject", "s3:GetObject on arn:aws:s3:::pictures/images/b/1.jpg")]
    [InlineData("HEAD", "/pictures/images/b/1.jpg", "s3:GetObject on arn:aws:s3:::pictures/images/b/1.jpg")]
    [InlineData("PUT", "/pictures/a%20b?x-id=PutObject", "s3:PutObject on arn:aws:s3:::pictures/a b")]
    [InlineData("PUT", "/pictures/a?partNumber=1&uploadId=u", "s3:PutObject on arn:aws:s3:::pictures/a")]
    [InlineData("POST", "/pictures/a?uploads", "s3:PutObject on arn:aws:s3:::pictures/a")]
    [InlineData("DELETE", "/pictures/a?uploadId=u", "s3:AbortMultipartUpload on arn:aws:s3:::pictures/a")]
    [InlineData("DELETE", "/pictures/a", "s3:DeleteObject on arn:aws:s3:::pictures/a")]
    [InlineData("GET", "/pictures?list-type=2&prefix=images%2F", "s3:ListBucket on arn:aws:s3:::pictures")]
    [InlineData("GET", "/pictures/?lifecycle", "s3:GetLifecycleConfiguration on arn:aws:s3:::pictures")]
    [InlineData("PUT", "/pictures/?versioning", "s3:PutBucketVersioning on arn:aws:s3:::pictures")]
    public async Task Method_path_and_query_name_the_action_of_s3(string method, string target, string permission) =>
        Assert.Equal([permission], await ReadAsync("s3", method, target));

    [Theory]
    [InlineData("GetQueueUrl", """{"QueueName":"jobs.fifo"}""", "sqs:GetQueueUrl")]
    [InlineData("SendMessageBatch", """{"QueueUrl":"http://q/1/jobs.fifo"}""", "sqs:SendMessage")]
    [InlineData("ChangeMessageVisibilityBatch", """{"QueueUrl":"http://q/1/jobs.fifo"}""", "sqs:ChangeMessageVisibility")]
    public async Task A_batch_needs_the_permission_of_its_entries(string operation, string body, string action) =>
        Assert.Equal([$"{action} on {Queue}"], await ReadAsync("sqs", "POST", "/", $"AmazonSQS.{operation}", body));

    [Fact]
    public async Task Creating_a_queue_with_tags_needs_permission_to_tag() => Assert.Equal(
        [$"sqs:CreateQueue on {Queue}", $"sqs:TagQueue on {Queue}"],
        await ReadAsync(
            "sqs", "POST", "/", "AmazonSQS.CreateQueue", """{"QueueName":"jobs.fifo","tags":{"a":"b"}}"""));

    [Theory]
    [InlineData("/jobs/settings", "arn:aws:ssm:eu-central-1:123456789012:parameter/jobs/settings")]
    [InlineData("/aws/service/ami", "arn:aws:ssm:eu-central-1::parameter/aws/service/ami")]
    public async Task A_parameter_belongs_to_the_account_unless_it_is_public(string name, string arn) => Assert.Equal(
        [$"ssm:GetParameter on {arn}"],
        await ReadAsync("ssm", "POST", "/", "AmazonSSM.GetParameter", $$"""{"Name":"{{name}}"}"""));

    [Fact]
    public async Task A_key_is_identified_by_its_ARN() => Assert.Equal(
        ["kms:DescribeKey on arn:aws:kms:eu-central-1:123456789012:key/k"],
        await ReadAsync(
            "kms", "POST", "/", "TrentService.DescribeKey",
            """{"KeyId":"arn:aws:kms:eu-central-1:123456789012:key/k"}"""));

    [Theory]
    [InlineData("s3", "PUT", "/pictures/a?acl", null, "PUT object acl")]
    [InlineData("sqs", "POST", "/", "AmazonSQS.AddPermission", "sqs:AddPermission")]
    [InlineData("ssm", "POST", "/", "AmazonSSM.SendCommand", "ssm:SendCommand")]
    [InlineData("sts", "POST", "/", null, "the service sts")]
    public async Task An_unknown_call_is_reported_and_refused(
        string service, string method, string target, string? operation, string name)
    {
        var failure = await Assert.ThrowsAsync<NotModelledException>(() => ReadAsync(service, method, target, operation));

        Assert.Contains(name, failure.Message, StringComparison.Ordinal);
    }

    private static async Task<IEnumerable<string>> ReadAsync(
        string service, string method, string target, string? operation = null, string body = "{}")
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = target;
        context.Request.Headers.Authorization =
            $"AWS4-HMAC-SHA256 Credential=AKIAWEB/20260101/eu-central-1/{service}/aws4_request, SignedHeaders=host";
        if (operation is not null) context.Request.Headers["X-Amz-Target"] = operation;
        context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        // None of these calls needs facts of the account.
        var reader = new CallReader(facts: null!);
        var needed = await reader.ReadAsync(await SignedRequest.ReadAsync(context.Request));
        return needed.Select(permission => permission.ToString());
    }
}
