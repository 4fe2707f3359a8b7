using System.Net;
using System.Net.Http.Headers;
using System.Text;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Outbound;
using ImageClassifier.Core.Storage;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Tests.Web.Callbacks;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Uploads;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>Uploads whose pictures the service fetches itself.</summary>
public sealed class ReferenceUploadSpecs
{
    private const string Address = "/api/batches";
    private const string Cat = """{"pictures":[{"url":"https://example.com/a/cat.jpg"}]}""";

    [Fact]
    public async Task References_become_jobs_in_their_order_and_bad_ones_are_refused_alone()
    {
        await using var tier = await StartAsync();
        using var answer = await PostAsync(tier,
            """
            { "pictures": [
              { "url": "https://example.com/a/my%20cat.jpg?token=t" },
              { "url": "http://example.com/cat.jpg" },
              { "s3": "s3://photos/2026/dog.png" },
              { "s3": "s3://others/dog.png", "fileName": "dog" },
              { "url": "https://10.0.0.1/cat.jpg" },
              { "url": "https://10.0.0.1/" },
              { "url": "https://example.com/", "fileName": "C:\\x\\bird.jpg" },
              { "url": "https://example.com/" },
              { "url": "https://user:secret@example.com/" },
              { "url": "http://example.com/bird.jpg?signature=secret" },
              { "url": "user:secret@example.com" },
              { "url": "https://\u05d0a.example/owl.jpg" }
            ] }
            """);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var document = await answer.DocumentAsync();
        Assert.Equal(
            [
                ("my cat.jpg", "queued", null), ("cat.jpg", "rejected", JobErrorCodes.ReferenceMalformed),
                ("dog.png", "queued", null), ("dog", "rejected", JobErrorCodes.ReferenceNotAllowed),
                ("cat.jpg", "rejected", JobErrorCodes.ReferenceNotAllowed),
                ("10.0.0.1", "rejected", JobErrorCodes.ReferenceNotAllowed), ("bird.jpg", "queued", null),
                ("example.com", "queued", null),
                ("example.com", "rejected", JobErrorCodes.ReferenceMalformed),
                ("bird.jpg", "rejected", JobErrorCodes.ReferenceMalformed),
                ("(no name)", "rejected", JobErrorCodes.ReferenceMalformed),
                ("owl.jpg", "rejected", JobErrorCodes.ReferenceMalformed),
            ],
            document.GetProperty("jobs").EnumerateArray().Select(job => (
                job.Word("fileName"), job.Word("status"),
                job.TryGetProperty("errorCode", out var code) ? code.GetString() : null)));

        await tier.UntilAsync(() => tier.Requests.All.Count == 4, "the jobs are sent");
        var requests = tier.Requests.All.Select(message => WireJson.TryRead<ClassificationRequest>(message.Body)!).ToList();
        Assert.All(requests, request => Assert.Null(request.ImageKey));
        Assert.Equal(
            [
                new PictureReference { Url = "https://example.com/a/my%20cat.jpg?token=t" },
                new PictureReference { S3 = "s3://photos/2026/dog.png" },
                new PictureReference { Url = "https://example.com/" }, new PictureReference { Url = "https://example.com/" },
            ],
            requests.Select(request => request.Reference));
    }

    [Fact]
    public async Task A_batch_by_reference_is_read_and_deleted_like_any_other_but_has_no_pictures()
    {
        await using var tier = (await StartAsync()).WithNode();
        var accepted = await AcceptedAsync(tier, Cat);
        var events = await tier.Client.GetStringAsync($"{Address}/{accepted.Batch}/events", tier.InTime);
        Assert.Contains("https://example.com/a/cat.jpg", events, StringComparison.Ordinal);
        var batch = await (await tier.Client.GetAsync($"{Address}/{accepted.Batch}", tier.InTime)).DocumentAsync();
        Assert.Equal((1, 1), (batch.Number("total"), batch.Number("completed")));

        using var picture = await tier.Client.GetAsync($"{Address}/{accepted.Batch}/images/{accepted.Jobs[0]}", tier.InTime);
        await picture.ProblemAsync(HttpStatusCode.NotFound, "image-not-stored");
        using var other = await tier.Client.GetAsync($"{Address}/{accepted.Batch}/images/{JobId.New()}", tier.InTime);
        await other.ProblemAsync(HttpStatusCode.NotFound, "no-such-image");
        using var deleted = await tier.Client.DeleteAsync($"{Address}/{accepted.Batch}", tier.InTime);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Empty(tier.Keys);
    }

    [Theory]
    [InlineData("""{"pictures":[{"url":"http://example.com/"}]}""")]
    [InlineData("""{"pictures":[{"s3":"s3://others/cat.jpg"},{"url":"https://127.0.0.1/"}]}""")]
    public async Task A_list_without_a_usable_reference_is_400_with_the_reasons(string body)
    {
        await using var tier = await StartAsync();
        using var answer = await PostAsync(tier, body);
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest, "nothing-usable");
        Assert.All(problem.GetProperty("jobs").EnumerateArray(), job => Assert.NotEmpty(job.Word("error")));
        Assert.Empty(tier.Keys);
    }

    [Theory]
    [InlineData("", "API's description")]
    [InlineData("[]", "API's description")]
    [InlineData("null", "at least one")]
    [InlineData("{}", "API's description")]
    [InlineData("""{"pictures":[]}""", "at least one")]
    [InlineData("""{"pictures":null}""", "at least one")]
    [InlineData("""{"pictures":[{"url":"https://example.com/"}]""", "API's description")]
    [InlineData("""{"pictures":[{"url":"https://example.com/"}]} {}""", "API's description")]
    [InlineData("""{"pictures":["https://example.com/"]}""", "$.pictures[0]")]
    [InlineData("""{"pictures":[{"url":1}]}""", "$.pictures[0].url")]
    [InlineData("""{"pictures":[{"link":"https://example.com/"}]}""", "$.pictures[0].link")]
    [InlineData("""{"pictures":[{"url":"https://a.example/"}],"picture":1}""", "$.picture")]
    [InlineData("""{"pictures":[{"url":"https://a.example/"}],"pictures":[{"url":"https://b.example/"}]}""", "$.pictures")]
    [InlineData("""{"pictures":[{"url":"https://a.example/"},null]}""", "pictures[1]")]
    [InlineData("""{"pictures":[{"url":"https://a.example/"},{"fileName":"a"}]}""", "pictures[1]")]
    [InlineData("""{"pictures":[{"url":"https://a.example/","s3":"s3://photos/a"}]}""", "pictures[0]")]
    public async Task A_body_of_another_shape_is_400_and_says_where(string body, string where)
    {
        await using var tier = await StartAsync();
        using var answer = await PostAsync(tier, body);
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest, "malformed-references");
        Assert.Contains(where, problem.Word("detail"), StringComparison.Ordinal);
        Assert.Empty(tier.Keys);
    }

    [Fact]
    public async Task Too_many_references_and_too_large_bodies_are_413()
    {
        await using var tier = await StartAsync("uploads.max-files = 2");
        var pictures = string.Join(',', Enumerable.Repeat("""{"url":"https://example.com/"}""", 3));
        using var tooMany = await PostAsync(tier, $$"""{"pictures":[{{pictures}}]}""");
        await tooMany.ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-many-files");
        using var tooLarge = await PostAsync(tier, Cat + new string(' ', ReferenceList.MaxSize));
        var problem = await tooLarge.ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "request-too-large");
        Assert.Contains("2097152 bytes", problem.Word("detail"), StringComparison.Ordinal);
        Assert.Empty(tier.Keys);
    }

    [Theory]
    [InlineData("/api/classify")]
    [InlineData("/")]
    public async Task Calls_for_one_picture_take_no_references(string address)
    {
        await using var tier = await StartAsync();
        using var answer = await tier.Client.PostAsync(address, Json(Cat), tier.InTime);
        await answer.ProblemAsync(HttpStatusCode.UnsupportedMediaType, "not-multipart");
    }

    [Fact]
    public async Task A_repeated_list_is_the_same_batch_and_another_list_with_its_key_is_422()
    {
        await using var tier = await StartAsync();
        var first = await AcceptedAsync(tier, Cat, "k");
        Assert.Equal(first.Batch, (await AcceptedAsync(tier, Cat, "k")).Batch);
        await tier.UntilAsync(() => tier.Requests.All.Count == 1, "the job is sent");
        string[] others =
        [
            """{"pictures":[{"url":"https://other.example/a/cat.jpg"}]}""",
            """{"pictures":[{"s3":"s3://photos/cat.jpg"}]}""",
            """{"pictures":[{"url":"https://example.com/a/cat.jpg"},{"url":"https://example.com/b.jpg"}]}""",
        ];
        foreach (var other in others)
        {
            using var answer = await PostAsync(tier, other, "k");
            await answer.ProblemAsync(HttpStatusCode.UnprocessableEntity, "idempotency-key-reused");
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, Address) { Content = Upload.Form(Upload.Jpeg("cat.jpg")) };
        request.Headers.Add("Idempotency-Key", "k");
        using var uploaded = await tier.Client.SendAsync(request, tier.InTime);
        await uploaded.ProblemAsync(HttpStatusCode.UnprocessableEntity, "idempotency-key-reused");
        Assert.Single(tier.Requests.All);
    }

    [Fact]
    public async Task A_list_can_ask_for_callbacks()
    {
        await using var tier = await StartAsync($"callbacks.secrets.anyone = {CallbackSpecs.Secret}");
        var accepted = await AcceptedAsync(tier,
            """{"pictures":[{"url":"https://example.com/"}],"callback":"https://example.com/hook","callbackEvents":"job"}""");
        var manifest = tier.Store.DocumentAt<BatchManifest>(ObjectKeys.Manifest(accepted.Batch))!;
        Assert.Equal(new CallbackWish("https://example.com/hook", CallbackEvents.Job, null), manifest.Callback);
        using var refused = await PostAsync(tier,
            """{"pictures":[{"url":"https://example.com/"}],"callback":"https://127.0.0.1/"}""");
        await refused.ProblemAsync(HttpStatusCode.BadRequest, "callback-malformed");
    }

    [Fact]
    public async Task A_list_can_have_a_deadline_which_its_messages_repeat()
    {
        await using var tier = await StartAsync();
        var deadline = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeSeconds());
        var accepted = await AcceptedAsync(tier, WithDeadline($"{deadline:yyyy-MM-dd'T'HH:mm:ss'Z'}"));
        await tier.UntilAsync(() => tier.Requests.All.Count == 1, "the job is sent");
        var request = WireJson.TryRead<ClassificationRequest>(tier.Requests.All[0].Body)!;
        Assert.Equal(deadline, request.Deadline);
        Assert.NotNull(request.Reference);
        Assert.Contains(ObjectKeys.StopMarker(accepted.Batch, deadline), tier.Keys);

        using var refused = await PostAsync(tier, WithDeadline("2020-01-01T00:00:00Z"));
        await refused.ProblemAsync(HttpStatusCode.BadRequest, "deadline-unusable");

        static string WithDeadline(string deadline) =>
            $$"""{"pictures":[{"url":"https://example.com/"}],"deadline":"{{deadline}}"}""";
    }

    [Fact]
    public async Task A_list_can_be_cancelled_while_no_node_is_there()
    {
        await using var tier = await StartAsync();
        var accepted = await AcceptedAsync(tier, Cat);
        using var cancelled = await tier.Client.DeleteAsync($"{Address}/{accepted.Batch}?cancel=waiting", tier.InTime);
        Assert.Equal(1, (await cancelled.DocumentAsync()).Number("cancelled"));
        var batch = await (await tier.Client.GetAsync($"{Address}/{accepted.Batch}", tier.InTime)).DocumentAsync();
        Assert.Equal((1, 1), (batch.Number("total"), batch.Number("failed")));
    }

    [Fact]
    public async Task The_rules_for_access_and_rates_hold()
    {
        await using var tier = await StartAsync(
            $"access.keys {{ alice = \"{ApiKey.SettingOf("ick_a")}\" }}\n"
            + "access.rate-limit.uploads { count = 1, per = 1h }");
        using var withoutKey = await PostAsync(tier, Cat);
        await withoutKey.ProblemAsync(HttpStatusCode.Unauthorized, "key-needed");
        tier.Client.DefaultRequestHeaders.Add("X-Api-Key", "ick_a");
        using var first = await PostAsync(tier, Cat);
        Assert.Equal(HttpStatusCode.Accepted, first.StatusCode);
        using var second = await PostAsync(tier, Cat);
        await second.ProblemAsync(HttpStatusCode.TooManyRequests, "too-many-uploads");
    }

    [Fact]
    public void An_entry_of_a_manifest_has_a_picture_a_reference_or_a_refusal_and_only_one_of_them()
    {
        var (batch, job) = (BatchId.New(), JobId.New());
        var uploaded = ManifestJob.Accept(job, "a.jpg", ObjectKeys.Image(batch, job, PictureFormat.Jpeg));
        var referenced = ManifestJob.Accept("a.jpg", new PictureReference { Url = "https://example.com/" });
        var refused = ManifestJob.Refuse("a.jpg", new JobError(JobErrorCodes.Empty, "The file is empty."));
        Assert.All([uploaded, referenced, refused], entry => Assert.True(entry.IsWholeIn(batch)));
        ManifestJob[] damaged =
        [
            uploaded with { Reference = referenced.Reference }, uploaded with { Refusal = refused.Refusal },
            referenced with { Refusal = refused.Refusal }, referenced with { Reference = new PictureReference() },
            referenced with { Reference = null },
        ];
        Assert.All(damaged, entry => Assert.False(entry.IsWholeIn(batch)));
    }

    private static Task<RunningWebTier> StartAsync(string settings = "") => RunningWebTier.StartAsync(
        settings,
        tier => tier with
        {
            References = new ReferenceSettings(new ReferenceRules(new AddressRules([]), ["photos"])),
        });

    private static async Task<AcceptedUpload> AcceptedAsync(RunningWebTier tier, string body, string? key = null)
    {
        using var answer = await PostAsync(tier, body, key);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var document = await answer.DocumentAsync();
        return new AcceptedUpload(
            BatchId.Parse(document.Word("batchId")),
            [.. document.GetProperty("jobs").EnumerateArray().Select(job => JobId.Parse(job.Word("jobId")))]);
    }

    private static async Task<HttpResponseMessage> PostAsync(RunningWebTier tier, string body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Address) { Content = Json(body) };
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        return await tier.Client.SendAsync(request, tier.InTime);
    }

    private static StringContent Json(string body) =>
        new(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
}
