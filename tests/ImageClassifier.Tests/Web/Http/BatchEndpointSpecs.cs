using System.Net;
using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

public sealed class BatchEndpointSpecs
{
    [Fact]
    public async Task Each_file_is_accepted_or_refused_alone_in_the_order_of_the_request()
    {
        await using var tier = await RunningWebTier.StartAsync("uploads.max-file-size = 4KiB");
        using var answer = await tier.Client.PostAsync("/api/batches", Upload.Form(
            Upload.Jpeg("a.jpg"), new Upload("b.gif", "GIF89a"u8.ToArray()), Upload.Png("c.PNG"),
            new Upload("d.jpg", "GIF89a"u8.ToArray()),
            new Upload("e.jpg", []), Upload.JpegOf("f.jpeg", 4097), Upload.JpegOf("g.JPEG", 4096)));

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var document = await answer.DocumentAsync();
        var batch = document.Word("batchId");
        Assert.Equal($"/api/batches/{batch}", answer.Headers.Location!.ToString());
        Assert.Equal($"/api/batches/{batch}", document.GetProperty("links").Word("self"));
        Assert.Equal($"/api/batches/{batch}/events", document.GetProperty("links").Word("events"));
        Assert.Equal($"/ws?batch={batch}", document.GetProperty("links").Word("socket"));
        var jobs = document.GetProperty("jobs").EnumerateArray().ToArray();
        Assert.Equal(
            ["a.jpg", "b.gif", "c.PNG", "d.jpg", "e.jpg", "f.jpeg", "g.JPEG"], jobs.Select(job => job.Word("fileName")));
        Assert.Equal(
            ["queued", "rejected", "queued", "rejected", "rejected", "rejected", "queued"],
            jobs.Select(job => job.Word("status")));
        Assert.Equal(
            ["unsupported-name", "content-mismatch", "empty", "too-large"],
            jobs.Where(job => job.Word("status") == "rejected").Select(job => job.Word("errorCode")));
        Assert.All(jobs, job => Assert.Equal(job.Word("status") == "rejected", job.TryGetProperty("error", out _)));

        await tier.UntilAsync(() => tier.Requests.All.Count == 3, "the accepted are sent");
        Assert.Equal(3, tier.Keys.Count(key => key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_batch_names_each_model_that_classified_a_picture_once()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(
            Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg"), Upload.Jpeg("c.jpg"), Upload.Jpeg("d.jpg"));
        Assert.Equal(0, (await ModelsAsync()).GetArrayLength());

        ModelIdentity[] models = [new("old", new string('1', 64)), new("new", new string('2', 64), 7)];
        var requests = upload.Jobs.Select(job => Jobs.Request(upload.Batch, job)).ToArray();
        for (var i = 0; i < 3; i++) await tier.PublishAsync(Jobs.Classified(requests[i]) with { Model = models[i / 2] });
        await tier.PublishAsync(Jobs.Failed(requests[3]) with { Model = new("other", new string('3', 64)) });
        JsonElement batch;
        do batch = await BatchAsync();
        while (batch.Number("completed") + batch.Number("failed") < 4);
        var shown = (await ModelsAsync()).EnumerateArray().ToArray();
        Assert.Equal(["old", "new"], shown.Select(model => model.Word("name")));
        Assert.Equal((models[1].Sha256, 7), (shown[1].Word("sha256"), shown[1].Number("classes")));

        async Task<JsonElement> ModelsAsync() => (await BatchAsync()).GetProperty("models");

        async Task<JsonElement> BatchAsync()
        {
            using var answer = await tier.Client.GetAsync($"/api/batches/{upload.Batch}", tier.InTime);
            return await answer.DocumentAsync();
        }
    }

    [Fact]
    public async Task The_bytes_decide_the_format_and_the_name_is_shown_as_sent()
    {
        await using var tier = await RunningWebTier.StartAsync();
        (Upload File, string Extension, string Type)[] files =
        [
            (Upload.Png("png_named.jpg"), ".png", "image/png"), (Upload.Jpeg("jpeg_named.PNG"), ".jpg", "image/jpeg"),
            (Upload.Jpeg("blob"), ".jpg", "image/jpeg"), (Upload.Png("a.Jfif"), ".png", "image/png"),
            (Upload.Jpeg("a.jpe"), ".jpg", "image/jpeg"), (Upload.Jpeg("a.pjpeg"), ".jpg", "image/jpeg"),
        ];
        var upload = await tier.UploadAsync([.. files.Select(file => file.File)]);
        using var batch = await tier.Client.GetAsync($"/api/batches/{upload.Batch}");
        Assert.Equal(
            files.Select(file => file.File.FileName),
            (await batch.DocumentAsync()).GetProperty("jobs").EnumerateArray().Select(job => job.Word("fileName")));
        for (var i = 0; i < files.Length; i++)
        {
            var (file, extension, type) = files[i];
            Assert.Contains($"images/{upload.Batch}/{upload.Jobs[i]}{extension}", tier.Keys);
            using var answer = await tier.Client.GetAsync($"/api/batches/{upload.Batch}/images/{upload.Jobs[i]}");
            Assert.Equal(type, answer.Content.Headers.ContentType!.ToString());
            Assert.Equal(
                $"inline; filename=\"{upload.Jobs[i]}{extension}\"",
                answer.Content.Headers.ContentDisposition!.ToString());
            Assert.Equal(file.Content, await answer.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task A_webp_is_refused_unless_the_format_is_allowed()
    {
        Upload[] files = [Upload.WebP("a.webp"), Upload.WebP("b.jpg"), Upload.Jpeg("c.webp"), Upload.Jpeg("d.jpg")];
        await using var strict = await RunningWebTier.StartAsync();
        using var refused = await strict.Client.PostAsync("/api/batches", Upload.Form(files));
        var jobs = (await refused.DocumentAsync()).GetProperty("jobs").EnumerateArray().ToArray();
        Assert.Equal(["rejected", "rejected", "rejected", "queued"], jobs.Select(job => job.Word("status")));
        const string remedy = "The file is a WebP picture. Export it as JPEG or PNG.";
        Assert.Equal((remedy, remedy), (jobs[0].Word("error"), jobs[1].Word("error")));
        Assert.Equal(["unsupported-name", "content-mismatch", "unsupported-name"],
            jobs.Take(3).Select(job => job.Word("errorCode")));

        await using var tier = await RunningWebTier.StartAsync("uploads.formats = \"jpeg, png, webp\"");
        var upload = await tier.UploadAsync(files);
        for (var i = 0; i < files.Length; i++)
        {
            var isWebP = i < 2;
            Assert.Contains(
                $"images/{upload.Batch}/{upload.Jobs[i]}{(isWebP ? ".webp" : ".jpg")}", tier.Keys);
            using var answer = await tier.Client.GetAsync($"/api/batches/{upload.Batch}/images/{upload.Jobs[i]}");
            Assert.Equal(isWebP ? "image/webp" : "image/jpeg", answer.Content.Headers.ContentType!.ToString());
        }
    }

    [Fact]
    public async Task Names_and_other_fields_of_the_form_do_not_matter()
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var form = Upload.Form(Upload.Jpeg("../../etc/päss\u0001wörd.jpg"), Upload.Jpeg("""C:\photos\b.jpg"""));
        form.Add(new StringContent("of no interest"), "comment");
        using var answer = await tier.Client.PostAsync("/api/batches", form);

        var jobs = (await answer.DocumentAsync()).GetProperty("jobs").EnumerateArray().ToArray();
        Assert.Equal(["pässwörd.jpg", "b.jpg"], jobs.Select(job => job.Word("fileName")));
        Assert.DoesNotContain(tier.Keys, key => key.Contains("etc", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_batch_shows_its_progress()
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var posted = await tier.Client.PostAsync("/api/batches", Upload.Form(
            Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg", Upload.Undecodable), new Upload("c.txt", "x"u8.ToArray())));
        var address = posted.Headers.Location;
        using var before = await tier.Client.GetAsync(address);
        var queued = await before.DocumentAsync();
        Assert.Equal(2, queued.Number("total"));
        Assert.Equal(0, queued.Number("completed"));
        Assert.Equal(1, queued.Number("rejected"));
        Assert.Equal(
            ["queued", "queued", "rejected"],
            queued.GetProperty("jobs").EnumerateArray().Select(job => job.Word("status")));

        tier.WithNode();
        await tier.UntilAsync(() => tier.Responses.Deleted.Count == 2, "the results are there");
        using var after = await tier.Client.GetAsync(address);
        var done = await after.DocumentAsync();
        Assert.Equal((2, 1, 1, 1), (
            done.Number("total"), done.Number("completed"), done.Number("failed"), done.Number("rejected")));
        Assert.True(done.TryGetProperty("submittedAt", out _));
        var jobs = done.GetProperty("jobs").EnumerateArray().ToArray();
        Assert.Equal(["classified", "failed", "rejected"], jobs.Select(job => job.Word("status")));
        var best = jobs[0].GetProperty("predictions")[0];
        Assert.Equal((0, "cat", 1.0), (best.Number("index"), best.Word("label"), best.GetProperty("probability").GetDouble()));
        Assert.Equal("instance-1", jobs[0].Word("instanceId"));
        Assert.Equal("fake", jobs[0].GetProperty("model").Word("name"));
        Assert.Equal("undecodable", jobs[1].Word("errorCode"));
        Assert.Equal("unsupported-name", jobs[2].Word("errorCode"));
    }

    [Theory]
    [InlineData("/api/batches/00000000000000000000000000000000", "no-such-batch")]
    [InlineData("/api/batches/nonsense", "no-such-batch")]
    [InlineData("/api/batches/..%2f..%2fetc", "no-such-batch")]
    [InlineData("/api/batches/00000000000000000000000000000000/events", "no-such-batch")]
    [InlineData("/api/batches/nonsense/events", "no-such-batch")]
    [InlineData("/api/batches/00000000000000000000000000000000/images/00000000000000000000000000000000", "no-such-image")]
    [InlineData("/api/batches/nonsense/images/nonsense", "no-such-image")]
    [InlineData("/api/nonsense", "error")]
    [InlineData("/nonsense", "error")]
    public async Task A_missing_batch_or_picture_is_404(string address, string type)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var answer = await tier.Client.GetAsync(address);
        await answer.ProblemAsync(HttpStatusCode.NotFound, type);
    }

    [Fact]
    public async Task A_wrong_method_is_405()
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var answer = await tier.Client.PutAsync("/api/batches", null);
        await answer.ProblemAsync(HttpStatusCode.MethodNotAllowed, "error");
    }

    [Fact]
    public async Task A_deletion_removes_everything_of_the_batch()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"), Upload.Png("b.png"));
        await tier.UntilAsync(() => tier.Responses.Deleted.Count == 2, "the results are there");
        var address = $"/api/batches/{upload.Batch}";
        using var deleted = await tier.Client.DeleteAsync(address);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Empty(tier.Keys);

        using var get = await tier.Client.GetAsync(address);
        await get.ProblemAsync(HttpStatusCode.NotFound, "no-such-batch");
        using var image = await tier.Client.GetAsync($"{address}/images/{upload.Jobs[0]}");
        await image.ProblemAsync(HttpStatusCode.NotFound, "no-such-image");
        using var again = await tier.Client.DeleteAsync(address);
        await again.ProblemAsync(HttpStatusCode.NotFound, "no-such-batch");
    }

    [Fact]
    public async Task Pictures_of_a_partly_deleted_batch_cannot_be_read()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"));
        tier.Store.Before = (call, key) =>
            call == StoreCall.Delete && key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal)
                ? Task.FromException(new IOException("Not now."))
                : Task.CompletedTask;
        using var deleted = await tier.Client.DeleteAsync($"/api/batches/{upload.Batch}");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, deleted.StatusCode);
        Assert.Contains(tier.Keys, key => key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal));
        using var image = await tier.Client.GetAsync($"/api/batches/{upload.Batch}/images/{upload.Jobs[0]}");
        await image.ProblemAsync(HttpStatusCode.NotFound, "no-such-image");
    }

    [Fact]
    public async Task Pictures_are_returned_as_they_were_sent()
    {
        await using var tier = await RunningWebTier.StartAsync();
        Upload[] files = [Upload.JpegOf("<script>.html;.jpg", 300_000), Upload.Png("b.png")];
        var upload = await tier.UploadAsync(files);
        string[] types = ["image/jpeg", "image/png"];
        for (var i = 0; i < 2; i++)
        {
            using var answer = await tier.Client.GetAsync($"/api/batches/{upload.Batch}/images/{upload.Jobs[i]}");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(types[i], answer.Content.Headers.ContentType!.ToString());
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
            Assert.True(answer.Headers.CacheControl!.Private);
            Assert.Contains("sandbox", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")),
                StringComparison.Ordinal);
            Assert.Equal(
                $"inline; filename=\"{upload.Jobs[i]}{Path.GetExtension(files[i].FileName)}\"",
                answer.Content.Headers.ContentDisposition!.ToString());
            Assert.Equal(files[i].Content, await answer.Content.ReadAsByteArrayAsync());
        }

        using var ofOtherBatch = await tier.Client.GetAsync($"/api/batches/{BatchId.New()}/images/{upload.Jobs[0]}");
        await ofOtherBatch.ProblemAsync(HttpStatusCode.NotFound, "no-such-image");
    }

    [Fact]
    public async Task A_batch_that_cannot_be_read_is_503()
    {
        await using var tier = await RunningWebTier.StartAsync();
        tier.Store.FailNext(StoreCall.Get);
        using var answer = await tier.Client.GetAsync($"/api/batches/{BatchId.New()}");
        await answer.ProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
        answer.AssertComeBack();

        tier.Store.FailNext(StoreCall.Get);
        using var image = await tier.Client.GetAsync($"/api/batches/{BatchId.New()}/images/{JobId.New()}");
        await image.ProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
        image.AssertComeBack();
    }

    [Fact]
    public async Task An_unexpected_failure_is_500_without_details()
    {
        await using var tier = await RunningWebTier.StartAsync();
        tier.Store.FailNext(StoreCall.Get, failure: new InvalidOperationException("secret"));
        using var answer = await tier.Client.GetAsync($"/api/batches/{BatchId.New()}/images/{JobId.New()}");
        await answer.ProblemAsync(HttpStatusCode.InternalServerError, "error");
        Assert.DoesNotContain("secret", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
