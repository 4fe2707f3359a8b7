using System.Net;
using System.Net.Sockets;
using System.Text;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>Requests that are refused as a whole. Nothing of them may stay in the store.</summary>
public sealed class UploadRefusalSpecs
{
    private const int SomeMegabytes = 6 << 20;

    [Theory]
    [InlineData("/api/batches")]
    [InlineData("/api/classify")]
    [InlineData("/")]
    public async Task A_body_that_is_no_form_is_415(string address)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var text = await tier.Client.PostAsync(address, new StringContent("hello"));
        await text.ProblemAsync(HttpStatusCode.UnsupportedMediaType, "not-multipart");
        using var nothing = await tier.Client.PostAsync(address, null);
        await nothing.ProblemAsync(HttpStatusCode.UnsupportedMediaType, "not-multipart");
        using var noBoundary = await tier.Client.PostAsync(address, Typed("x"u8.ToArray(), "multipart/form-data"));
        await noBoundary.ProblemAsync(HttpStatusCode.UnsupportedMediaType, "not-multipart");
        Assert.Empty(tier.Keys);
    }

    [Theory]
    [InlineData("/api/batches", "application/json")]
    [InlineData("/api/batches", "multipart/form-data; boundary=b")]
    [InlineData("/api/classify", "multipart/form-data; boundary=b")]
    public async Task A_compressed_body_is_415(string address, string type)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var body = Typed([0x1f, 0x8b, 8, 0], type);
        body.Headers.ContentEncoding.Add("gzip");
        using var answer = await tier.Client.PostAsync(address, body);
        await answer.ProblemAsync(HttpStatusCode.UnsupportedMediaType, "encoded-body");
        Assert.Empty(tier.Keys);
    }

    [Theory]
    [InlineData("callback", "https://a.example/", "callback-malformed")]
    [InlineData("callbackEvents", "job", "callback-malformed")]
    [InlineData("deadline", "2030-01-01T00:00:00Z", "deadline-unusable")]
    public async Task A_field_that_is_sent_twice_with_any_capitals_is_400(string field, string value, string problem)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var form = Upload.Form(Upload.Jpeg("a.jpg"));
        form.Add(new StringContent(value), field);
        form.Add(new StringContent(value), field.ToUpperInvariant());
        using var answer = await tier.Client.PostAsync("/api/batches", form);
        await answer.ProblemAsync(HttpStatusCode.BadRequest, problem);
        Assert.Empty(tier.Keys);
    }

    [Theory]
    [InlineData("/api/batches")]
    [InlineData("/api/classify")]
    public async Task While_the_queue_is_unavailable_uploads_are_503_and_leave_nothing(string address)
    {
        await using var tier = await RunningWebTier.StartAsync();
        tier.Requests.FailNext(QueueCall.Check, times: 1);
        using var refused = await tier.Client.PostAsync(address, Upload.Form(Upload.Jpeg("a.jpg")));

        await refused.ProblemAsync(HttpStatusCode.ServiceUnavailable, "queue-unavailable");
        refused.AssertComeBack();
        Assert.Empty(tier.Keys);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("--b\r\n")]
    [InlineData("--b\r\nno header\r\n\r\n")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.jpg\"\r\n\r\n")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.jpg\"\r\n\r\nÿØÿà cut off here")]
    public async Task A_malformed_or_incomplete_form_is_400(string body)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var answer = await tier.Client.PostAsync(
            "/api/batches", Typed(Encoding.Latin1.GetBytes(body), "multipart/form-data; boundary=b"));
        await answer.ProblemAsync(HttpStatusCode.BadRequest, "malformed-multipart");
        Assert.Empty(tier.Keys);
    }

    [Theory]
    [InlineData("filename=\"a.jpg\"; filename*")]
    [InlineData("filename=\"a.jpg\"; filename*=")]
    [InlineData("filename=\"a.jpg\"; filename*=a.png")]
    [InlineData("filename=\"a.jpg\"; filename*=no-such-encoding''a.png")]
    [InlineData("filename=\"a.jpg\"; filename*=UTF-8''")]
    [InlineData("filename=\"a.jpg\"; filename*=\"\"")]
    [InlineData("filename=\"a.jpg\"; filename*=UTF-8''%ZZ.png")]
    [InlineData("filename=\"b.jpg\"; filename*=UTF-8''a.jpg")]
    public async Task An_unreadable_encoded_name_falls_back_to_the_plain_one(string name)
    {
        await using var tier = await RunningWebTier.StartAsync();
        var body = $"--b\r\nContent-Disposition: form-data; name=\"f\"; {name}\r\n\r\nÿØÿà\r\n--b--\r\n";
        using var answer = await tier.Client.PostAsync(
            "/api/batches", Typed(Encoding.Latin1.GetBytes(body), "multipart/form-data; boundary=b"));
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var job = Assert.Single((await answer.DocumentAsync()).GetProperty("jobs").EnumerateArray());
        Assert.Equal("a.jpg", job.Word("fileName"));
    }

    [Theory]
    [InlineData("""filename="a\"b.png" """, "a\"b.png")]
    [InlineData("""filename="a%22b.png" """, "a\"b.png")]
    [InlineData("""filename="a"b.png"; x=y""", "a\"b.png")]
    [InlineData("""filename="100%.png" """, "100%.png")]
    [InlineData("""filename="C:\photos\b.png" """, "b.png")]
    [InlineData("""filename="C:\\photos\\b.png" """, "b.png")]
    [InlineData("""filename="a;b.png" """, "a;b.png")]
    [InlineData("filename=a.png", "a.png")]
    [InlineData("filename=my cat.png", "my cat.png")]
    [InlineData("filename=[1].png", "[1].png")]
    [InlineData("FILENAME = \"a.png\"", "a.png")]
    public async Task Names_are_read_as_clients_write_them(string parameter, string name)
    {
        await using var tier = await RunningWebTier.StartAsync();
        var body = $"--b\r\nContent-Disposition: form-data; name=\"f\"; {parameter}\r\n\r\nÿØÿà\r\n--b--\r\n";
        using var answer = await tier.Client.PostAsync(
            "/api/batches", Typed(Encoding.Latin1.GetBytes(body), "multipart/form-data; boundary=b"));
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var job = Assert.Single((await answer.DocumentAsync()).GetProperty("jobs").EnumerateArray());
        Assert.Equal(name, job.Word("fileName"));
    }

    [Theory]
    [InlineData("multipart/form-data; boundary=----=_Part_0_1.2", "----=_Part_0_1.2")]
    [InlineData("multipart/form-data; charset=utf-8; boundary=a=b; x=y", "a=b")]
    [InlineData("Multipart/Form-Data;boundary==_a/b:c?d", "=_a/b:c?d")]
    [InlineData("multipart/form-data; boundary=\"a=b c\"", "a=b c")]
    public async Task A_boundary_can_be_unquoted(string contentType, string boundary)
    {
        await using var tier = await RunningWebTier.StartAsync();
        var body = $"--{boundary}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.jpg\"\r\n\r\nÿØÿà\r\n"
            + $"--{boundary}--\r\n";
        using var answer = await tier.Client.PostAsync(
            "/api/batches", Typed(Encoding.Latin1.GetBytes(body), contentType));
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
    }

    [Theory]
    [InlineData("multipart/mixed; boundary=a=b")]
    [InlineData("multipart/form-data; boundary=a=b c")]
    [InlineData("multipart/form-data; boundary=a=b,c=\"d\"")]
    [InlineData("x; multipart/form-data; boundary=a=b")]
    [InlineData("multipart/form-data; xboundary=a=b")]
    public async Task An_unreadable_boundary_is_415(string contentType)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var answer = await tier.Client.PostAsync("/api/batches", Typed("--a=b--"u8.ToArray(), contentType));
        await answer.ProblemAsync(HttpStatusCode.UnsupportedMediaType, "not-multipart");
    }

    [Fact]
    public async Task Files_without_a_name_are_rejected_and_fields_are_skipped()
    {
        await using var tier = await RunningWebTier.StartAsync();
        string[] parts =
        [
            "Content-Disposition: form-data; name=\"submit\"\r\n\r\nSend",
            "Content-Disposition: form-data; name=\"note\"\r\nContent-Type: text/plain\r\n\r\nhello",
            "Content-Disposition: form-data; name=\"empty\"; filename=\"\"\r\nContent-Type: image/png\r\n\r\n",
            "Content-Disposition: form-data; name=\"a\"; filename=\"a.jpg\"\r\n\r\nÿØÿà",
            "Content-Disposition: form-data; name=\"b\"\r\n\r\nÿØÿà",
            "Content-Disposition: form-data; name=\"c\"\r\nContent-Type: image/heic\r\n\r\nwhatever",
            "Content-Disposition: form-data; name=\"d\"; filename=\"\"\r\n\r\nwhatever",
            "X: y\r\n\r\nÿØÿà",
        ];
        var body = string.Concat(parts.Select(part => $"--b\r\n{part}\r\n")) + "--b--\r\n";
        using var answer = await tier.Client.PostAsync(
            "/api/batches", Typed(Encoding.Latin1.GetBytes(body), "multipart/form-data; boundary=b"));

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var jobs = (await answer.DocumentAsync()).GetProperty("jobs").EnumerateArray().ToArray();
        Assert.Equal(
            ["a.jpg", "(no name)", "(no name)", "(no name)", "(no name)"], jobs.Select(job => job.Word("fileName")));
        Assert.Equal("queued", jobs[0].Word("status"));
        Assert.All(jobs[1..], job =>
        {
            Assert.Equal(("rejected", "no-file-name"), (job.Word("status"), job.Word("errorCode")));
            Assert.Contains("filename=", job.Word("error"), StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("/api/classify")]
    [InlineData("/")]
    public async Task A_picture_without_a_name_is_422_with_the_reason(string address)
    {
        await using var tier = await RunningWebTier.StartAsync();
        var picture = new ByteArrayContent(Upload.Jpeg("a.jpg").Content);
        using var form = new MultipartFormDataContent { { picture, "file" } };
        using var answer = await tier.Client.PostAsync(address, form);
        await answer.ProblemAsync(HttpStatusCode.UnprocessableEntity, "no-file-name");
        Assert.Empty(tier.Keys);
    }

    [Fact]
    public async Task A_name_that_is_too_long_is_shortened_and_its_picture_accepted()
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var answer = await tier.Client.PostAsync(
            "/api/batches", Upload.Form(Upload.Jpeg(new string('x', 1000) + ".jpeg")));
        var job = Assert.Single((await answer.DocumentAsync()).GetProperty("jobs").EnumerateArray());
        Assert.Equal((new string('x', 250) + ".jpeg", "queued"), (job.Word("fileName"), job.Word("status")));
    }

    [Fact]
    public async Task A_name_with_bidirectional_marks_is_kept_as_sent()
    {
        await using var tier = await RunningWebTier.StartAsync();
        const string name = "cat\u202Egpj.png";
        using var answer = await tier.Client.PostAsync("/api/batches", Upload.Form(Upload.Png(name)));
        var job = Assert.Single((await answer.DocumentAsync()).GetProperty("jobs").EnumerateArray());
        Assert.Equal((name, "queued"), (job.Word("fileName"), job.Word("status")));
    }

    [Fact]
    public async Task Without_a_usable_file_it_is_400_with_a_reason_for_each()
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var answer = await tier.Client.PostAsync("/api/batches", Upload.Form(
            new Upload("a.txt", "hello"u8.ToArray()), new Upload("b.png", "hello"u8.ToArray())));
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest, "nothing-usable");
        var jobs = problem.GetProperty("jobs").EnumerateArray().ToArray();
        Assert.Equal(["a.txt", "b.png"], jobs.Select(job => job.Word("fileName")));
        Assert.All(jobs, job => Assert.Equal("rejected", job.Word("status")));
        Assert.Equal(["unsupported-name", "content-mismatch"], jobs.Select(job => job.Word("errorCode")));

        using var empty = await tier.Client.PostAsync(
            "/api/batches", Typed("--b--\r\n"u8.ToArray(), "multipart/form-data; boundary=b"));
        await empty.ProblemAsync(HttpStatusCode.BadRequest, "nothing-usable");
        Assert.Empty(tier.Keys);
        Assert.Empty(tier.Requests.All);
    }

    [Fact]
    public async Task Too_many_files_are_413()
    {
        await using var tier = await RunningWebTier.StartAsync("uploads.max-files = 3");
        using var answer = await tier.Client.PostAsync("/api/batches", Upload.Form(
            [.. Enumerable.Range(0, 3).Select(i => Upload.Jpeg($"{i}.jpg")), Upload.JpegOf("3.jpg", SomeMegabytes)]));
        await answer.ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-many-files");
        Assert.Empty(tier.Keys);

        await tier.UploadAsync([.. Enumerable.Range(0, 3).Select(i => Upload.Jpeg($"{i}.jpg"))]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_request_over_the_limit_is_413_and_the_client_can_read_it(bool chunked)
    {
        await using var tier = await RunningWebTier.StartAsync("uploads.max-request-size = 1MiB");
        for (var i = 0; i < 5; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/batches")
            {
                Content = Upload.Form(Upload.Jpeg("a.jpg"), Upload.JpegOf("b.jpg", SomeMegabytes)),
            };
            request.Headers.TransferEncodingChunked = chunked;
            using var answer = await tier.Client.SendAsync(request);
            await answer.ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "request-too-large");
        }

        Assert.Empty(tier.Keys);
    }

    [Fact]
    public async Task A_client_that_sends_a_large_body_without_a_form_can_read_the_answer()
    {
        await using var tier = await RunningWebTier.StartAsync();
        for (var i = 0; i < 5; i++)
        {
            using var answer = await tier.Client.PostAsync(
                "/api/batches", Typed(new byte[SomeMegabytes], "application/octet-stream"));
            await answer.ProblemAsync(HttpStatusCode.UnsupportedMediaType, "not-multipart");
        }
    }

    [Fact]
    public async Task Over_the_limit_of_uploads_it_is_503_and_the_clients_can_read_it()
    {
        await using var tier = await RunningWebTier.StartAsync(
            "uploads.max-concurrent = 1", tier => tier with { Uploads = tier.Uploads with { MaxWaiting = 0 } });
        var held = new TaskCompletionSource();
        tier.Store.Before = (call, key) =>
            call == StoreCall.Put && key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal) ? held.Task : Task.CompletedTask;
        var first = tier.UploadAsync(Upload.Jpeg("a.jpg"));
        await tier.UntilAsync(() => tier.Store.CallsOf(StoreCall.Put) == 2, "the first is under way");
        for (var i = 0; i < 5; i++)
        {
            using var answer = await tier.Client.PostAsync(
                "/api/batches", Upload.Form(Upload.JpegOf("b.jpg", SomeMegabytes)));
            await answer.ProblemAsync(HttpStatusCode.ServiceUnavailable, "overloaded");
            answer.AssertComeBack();
        }

        held.SetResult();
        await first;
        await tier.UploadAsync(Upload.Jpeg("c.jpg"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task With_a_failing_store_nothing_is_accepted_and_nothing_left(int failing)
    {
        // In turn: the marker, the picture, the manifest.
        await using var tier = await RunningWebTier.StartAsync();
        var puts = 0;
        tier.Store.Before = (call, _) => call is StoreCall.Put or StoreCall.PutIfAbsent && ++puts == failing
            ? Task.FromException(new IOException("secret"))
            : Task.CompletedTask;
        using var answer = await tier.Client.PostAsync("/api/batches", Upload.Form(Upload.Jpeg("a.jpg")));
        var problem = await answer.ProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
        Assert.DoesNotContain("secret", problem.GetRawText(), StringComparison.Ordinal);
        answer.AssertComeBack();
        Assert.DoesNotContain(tier.Keys, key => key.EndsWith("manifest.json", StringComparison.Ordinal));
        // After a failed write the manifest may exist, so a later sweep removes what was stored before.
        if (failing < 3) Assert.Empty(tier.Keys);
        Assert.Empty(tier.Requests.All);
    }

    [Fact]
    public async Task An_aborted_upload_leaves_nothing_behind_and_releases_its_slot()
    {
        await using var tier = await RunningWebTier.StartAsync("uploads.max-concurrent = 1");
        for (var i = 0; i < 3; i++)
        {
            var markers = tier.Store.CallsOf(StoreCall.Put);
            using (var client = new TcpClient())
            {
                await client.ConnectAsync(tier.Address.Host, tier.Address.Port, tier.InTime);
                var stream = client.GetStream();
                await stream.WriteAsync(Encoding.Latin1.GetBytes(
                    "POST /api/batches HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                    + "Content-Length: 1000000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.jpg\""
                    + "\r\n\r\nÿØÿà and then" + new string('x', FileKinds.HeadLength)), tier.InTime);
                await tier.UntilAsync(() => tier.Store.CallsOf(StoreCall.Put) == markers + 2, "the picture is under way");
            }

            await tier.UntilAsync(() => tier.Store.CallsOf(StoreCall.Delete) > i, "it is cleaned up");
            await tier.UntilAsync(() => tier.Keys.Count == 0, "nothing is left");
        }

        Assert.Empty(tier.Requests.All);
        await TakesUploadsAsync(tier);
    }

    /// <summary>The slot is released just after the stored objects are removed.</summary>
    private static async Task TakesUploadsAsync(RunningWebTier tier)
    {
        while (true)
        {
            using var answer = await tier.Client.PostAsync("/api/batches", Upload.Form(Upload.Jpeg("a.jpg")), tier.InTime);
            if (answer.StatusCode == HttpStatusCode.Accepted) return;
        }
    }

    private static ByteArrayContent Typed(byte[] body, string contentType)
    {
        var content = new ByteArrayContent(body);
        Assert.True(content.Headers.TryAddWithoutValidation("Content-Type", contentType));
        return content;
    }
}
