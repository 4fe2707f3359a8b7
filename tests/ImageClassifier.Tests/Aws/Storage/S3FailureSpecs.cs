using System.Net;
using System.Net.Sockets;
using System.Text;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Storage;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Aws.Emulator;
using WireMock.ResponseBuilders;
using Xunit;

namespace ImageClassifier.Tests.Aws.Storage;

/// <summary>The handling of S3's refusals, with S3's own bodies.</summary>
public sealed class S3FailureSpecs : IDisposable
{
    private static readonly BucketSettings Bucket = new("pictures", "", TimeSpan.FromDays(30));

    private const string Conflicting = "The conditional request cannot succeed due to a conflicting operation.";

    private readonly StubbedAws _aws = new();
    private readonly S3ObjectStore _store;

    public S3FailureSpecs() => _store = new S3ObjectStore(_aws.S3, Bucket);

    public void Dispose() => _aws.Dispose();

    [Fact]
    public async Task Put_if_absent_sends_a_condition_and_is_refused_if_there_is_an_object()
    {
        _aws.On(StubbedAws.S3Call("PUT", "/pictures/r/1.json").WithHeader("If-None-Match", "*"), StubbedAws.S3Error(
            412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
            "<Condition>If-None-Match</Condition>"));

        Assert.False(await _store.PutIfAbsentAsync("r/1.json", new byte[1], default));
        Assert.Equal(1, _aws.Clients.Requests.Of("S3"));
    }

    [Fact]
    public async Task A_put_if_absent_that_conflicts_with_another_is_retried()
    {
        var conflict = StubbedAws.S3Error(
            409, "ConditionalRequestConflict", Conflicting);
        _aws.On(StubbedAws.S3Call("PUT", "/pictures/r/1.json"), conflict, conflict, StubbedAws.Ok());

        Assert.True(await _store.PutIfAbsentAsync("r/1.json", new byte[1], default));
        Assert.Equal(3, _aws.Clients.Requests.Of("S3"));
    }

    [Fact]
    public async Task A_put_if_absent_that_always_conflicts_fails()
    {
        _aws.On(StubbedAws.S3Call("PUT", "*"), StubbedAws.S3Error(
            409, "ConditionalRequestConflict", Conflicting));

        var failure = await Assert.ThrowsAsync<IOException>(
            () => _store.PutIfAbsentAsync("r/1.json", new byte[1], default));

        Assert.StartsWith("S3 PutObject failed: ConditionalRequestConflict", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(403, "AccessDenied", "Access Denied")]
    [InlineData(403, "AllAccessDisabled", "All access to this object has been disabled")]
    [InlineData(403, "AccountProblem", "There is a problem with your AWS account that prevents the operation.")]
    [InlineData(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")]
    [InlineData(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature.")]
    [InlineData(400, "KMS.DisabledException", "arn:aws:kms:us-east-1:123456789012:key/1 is disabled.")]
    [InlineData(404, "NoSuchBucket", "The specified bucket does not exist")]
    [InlineData(400, "AuthorizationHeaderMalformed",
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'")]
    [InlineData(301, "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint.")]
    public async Task A_permanent_refusal_of_S3_gives_the_reason(int status, string code, string message)
    {
        _aws.On(StubbedAws.AnyS3Call(), StubbedAws.S3Error(status, code, message));
        (string Operation, Func<Task> Call)[] calls =
        [
            ("PutObject", () => _store.PutAsync("a/b", new MemoryStream(new byte[1]), default)),
            ("PutObject", () => _store.PutIfAbsentAsync("a/b", new byte[1], default)),
            ("GetObject", () => _store.GetAsync("a/b", default)),
            ("DeleteObject", () => _store.DeleteAsync("a/b", default)),
            ("ListObjectsV2", () => _store.ListAsync("a/", default).GetAsyncEnumerator().MoveNextAsync().AsTask()),
        ];

        foreach (var (operation, call) in calls)
        {
            var failure = await Assert.ThrowsAsync<StoreRefusedException>(call);
            Assert.StartsWith($"S3 {operation} failed: {code}", failure.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("no-secret", failure.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(400, "ExpiredToken", "The provided token has expired.")]
    [InlineData(403, "RequestTimeTooSkewed", "The difference between the times is too large.")]
    [InlineData(403, "InvalidObjectState", "The operation is not valid for the object's storage class")]
    [InlineData(500, "InternalError", "We encountered an internal error. Please try again.")]
    [InlineData(503, "SlowDown", "Please reduce your request rate.")]
    public async Task A_temporary_failure_is_an_outage(int status, string code, string message)
    {
        _aws.On(StubbedAws.AnyS3Call(), StubbedAws.S3Error(status, code, message));

        // Exactly this type, because a refusal is one of these as well.
        await Assert.ThrowsAsync<IOException>(() => _store.GetAsync("a/b", default));
    }

    [Fact]
    public async Task A_throttled_put_is_retried()
    {
        _aws.On(
            StubbedAws.S3Call("PUT", "/pictures/a"),
            StubbedAws.S3Error(503, "SlowDown", "Please reduce your request rate."),
            StubbedAws.Ok());

        await _store.PutAsync("a", new MemoryStream(Encoding.UTF8.GetBytes("text")), default);

        Assert.Equal(2, _aws.Clients.Requests.ByOperation["S3 PUT"]);
    }

    [Fact]
    public async Task A_multipart_put_with_a_refused_part_is_aborted()
    {
        _aws.On(StubbedAws.S3Call("POST", "/pictures/long").WithParam("uploads"), StubbedAws.Xml(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
              <Bucket>pictures</Bucket><Key>long</Key><UploadId>VXBsb2Fk</UploadId>
            </InitiateMultipartUploadResult>
            """));
        _aws.On(
            StubbedAws.S3Call("PUT", "/pictures/long"),
            StubbedAws.Ok(),
            StubbedAws.S3Error(403, "AccessDenied", "Access Denied"));
        _aws.On(StubbedAws.S3Call("DELETE", "/pictures/long").WithParam("uploadId", "VXBsb2Fk"),
            StubbedAws.Ok().WithStatusCode(204));

        var failure = await Assert.ThrowsAsync<StoreRefusedException>(() => _store.PutAsync(
            "long", new MemoryStream(new byte[UploadBuffer.Capacity + 1]), default));

        Assert.StartsWith("S3 UploadPart failed: AccessDenied", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, _aws.Clients.Requests.ByOperation["S3 DELETE"]);
        Assert.Equal(1, _aws.Clients.Requests.ByOperation["S3 POST"]);
    }

    [Fact]
    public async Task A_multipart_put_declares_its_checksum_in_every_call()
    {
        _aws.On(StubbedAws.S3Call("POST", "/pictures/long").WithParam("uploads"), StubbedAws.Xml(
            """
            <InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
              <Bucket>pictures</Bucket><Key>long</Key><UploadId>VXBsb2Fk</UploadId>
            </InitiateMultipartUploadResult>
            """));
        _aws.On(StubbedAws.S3Call("PUT", "/pictures/long"),
            StubbedAws.Ok().WithHeader("x-amz-checksum-crc32", "AAAAAA=="));
        _aws.On(StubbedAws.S3Call("POST", "/pictures/long").WithParam("uploadId", "VXBsb2Fk"), StubbedAws.Xml(
            """
            <CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
              <Bucket>pictures</Bucket><Key>long</Key><ETag>"1-2"</ETag>
            </CompleteMultipartUploadResult>
            """));

        await _store.PutAsync("long", new MemoryStream(new byte[UploadBuffer.Capacity + 1]), default);

        var requests = _aws.Log.Select(entry => entry.RequestMessage!).ToArray();
        Assert.Equal("CRC32", Assert.Single(requests[0].Headers!["x-amz-checksum-algorithm"]));
        Assert.Equal("CRC32", Assert.Single(requests[1].Headers!["x-amz-sdk-checksum-algorithm"]));
        Assert.Equal(2, requests[^1].Body!.Split("<ChecksumCRC32>AAAAAA==<").Length - 1);
    }

    [Fact]
    public async Task An_interrupted_read_is_an_IOException()
    {
        using var listener = new TcpListener(IPAddress.Loopback, port: 0);
        listener.Start();
        var answering = AnswerHalfAsync(listener);
        using var clients = EmulatedAws.ClientsOf(new Uri($"http://{listener.LocalEndpoint}"));

        await using var stored = await new S3ObjectStore(clients.S3(), Bucket).GetAsync("a", default);
        await answering;

        Assert.Equal(100_000, stored!.Size);
        await Assert.ThrowsAnyAsync<IOException>(() => stored.Content.CopyToAsync(Stream.Null));
    }

    [Fact]
    public async Task A_listing_keeps_the_order_of_the_keys_over_its_pages()
    {
        _aws.On(
            StubbedAws.S3Call("GET", "/pictures*").WithParam("list-type", "2"),
            Page("<NextContinuationToken>1ueG</NextContinuationToken>", truncated: true, "B-/x", "a-b", "no object"),
            Page("", truncated: false, "a/b", "a0"));

        var keys = new List<string>();
        await foreach (var found in _store.ListAsync("", default)) keys.Add(found.Key);

        Assert.Equal(["B-/x", "a-b", "a/b", "a0"], keys);
        Assert.Contains("continuation-token=1ueG", _aws.Log.Last().RequestMessage!.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_network_every_call_is_an_IOException()
    {
        using var clients = EmulatedAws.ClientsOf(new Uri("http://127.0.0.1:1"));
        var store = new S3ObjectStore(clients.S3(), Bucket);

        await Assert.ThrowsAsync<IOException>(() => store.GetAsync("a", default));
    }

    [Fact]
    public async Task Missing_credentials_are_an_outage_with_advice_for_containers()
    {
        using var clients = EmulatedAws.ClientsOf(new Uri("http://127.0.0.1:1"), new MissingCredentials());
        var store = new S3ObjectStore(clients.S3(), Bucket);

        var failure = await Assert.ThrowsAsync<IOException>(() => store.GetAsync("a", default));

        Assert.Contains("Unable to get IAM security credentials", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith(MetadataAdvice.ForCredentials, failure.Message, StringComparison.Ordinal);
    }

    private static async Task AnswerHalfAsync(TcpListener listener)
    {
        using var connection = await listener.AcceptTcpClientAsync();
        var stream = connection.GetStream();
        await stream.ReadAtLeastAsync(new byte[64], 64);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nLast-Modified: Tue, 03 Mar 2026 10:00:00 GMT\r\n\r\nhalf"));
    }

    private static IResponseBuilder Page(string next, bool truncated, params string[] keys)
    {
        var contents = keys.Select(key =>
            $"<Contents><Key>{key}</Key><Size>1</Size><LastModified>2026-03-03T10:00:00Z</LastModified></Contents>");
        return StubbedAws.Xml(
            $"""
            <?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>pictures</Name><Prefix></Prefix>
              <IsTruncated>{(truncated ? "true" : "false")}</IsTruncated>{next}{string.Concat(contents)}
            </ListBucketResult>
            """);
    }
}
