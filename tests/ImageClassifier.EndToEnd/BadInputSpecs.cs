using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.EndToEnd;

/// <summary>Bad input gets a clear error and loses nothing.</summary>
public sealed class BadInputSpecs
{
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task Every_hostile_file_has_its_expected_outcome_and_harms_no_neighbour()
    {
        var folder = Repository.SharedFile("images", "hostile");
        using var list = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "hostile.json")));
        var files = list.RootElement.GetProperty("files").EnumerateArray()
            .Select(file => (Name: file.GetProperty("file").GetString()!, Expect: file.GetProperty("expect").GetString()!))
            .ToList();
        await using var service = await RunningService.StartAsync();

        var accepted = await service.UploadAsync(
        [
            .. files.Select(file => new TestPicture(file.Name, File.ReadAllBytes(Path.Combine(folder, file.Name)), null)),
            TestPictures.All[0],
        ]);
        var batchId = accepted.GetProperty("batchId").GetString()!;
        await service.FollowAsync(batchId, Enough);

        var batch = await service.GetJsonAsync($"/api/batches/{batchId}");
        var jobs = batch.GetProperty("jobs").EnumerateArray().ToDictionary(job => job.GetProperty("fileName").GetString()!);
        Assert.All(files, file =>
        {
            var job = jobs[file.Name];
            var status = job.GetProperty("status").GetString();
            if (status != "classified") Assert.NotEmpty(job.GetProperty("error").GetString()!);
            if (file.Expect == "reject") Assert.Contains(status, (string[])["rejected", "failed"]);
            else if (file.Expect.StartsWith("classify (", StringComparison.Ordinal)) Assert.Equal("classified", status);
            else Assert.Contains(status, (string[])["rejected", "failed", "classified"]);
        });
        Assert.Equal("classified", jobs[TestPictures.All[0].Name].GetProperty("status").GetString());
        Assert.Equal(batch.GetProperty("total").GetInt32(),
            batch.GetProperty("completed").GetInt32() + batch.GetProperty("failed").GetInt32());
        Assert.Equal(HttpStatusCode.OK, (await service.Http.GetAsync("/health/ready")).StatusCode);
    }

    [SkippableFact]
    public async Task Every_file_that_once_caused_a_fault_has_its_expected_outcome()
    {
        var folder = Repository.SharedFile("images", "found");
        var model = Path.GetDirectoryName(Repository.SharedFile("models", "mobilenet-v2", "model.json"))!;
        using var list = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "found.json")));
        // "refused …", or a label, which may follow a colon.
        var files = list.RootElement.GetProperty("files").EnumerateArray()
            .Select(file => (
                Name: file.GetProperty("file").GetString()!, Right: file.GetProperty("right").GetString()!))
            .ToList();
        await using var service = await RunningService.StartAsync($"node.classification.model={model}");

        var accepted = await service.UploadAsync(
            files.Select(file => new TestPicture(file.Name, File.ReadAllBytes(Path.Combine(folder, file.Name)), null)));
        var batchId = ServiceClient.BatchId(accepted);
        await service.FollowAsync(batchId, Enough);

        var batch = await service.GetJsonAsync($"/api/batches/{batchId}");
        var jobs = batch.GetProperty("jobs").EnumerateArray().ToList();
        Assert.Equal(files.Count, jobs.Count);
        Assert.All(files.Zip(jobs), pair =>
        {
            var ((name, right), job) = pair;
            var status = job.GetProperty("status").GetString();
            if (right.StartsWith("refused", StringComparison.Ordinal))
            {
                Assert.True(status is "rejected" or "failed", $"{name} is {status}");
                Assert.NotEmpty(job.GetProperty("error").GetString()!);
                return;
            }

            Assert.True(status == "classified", $"{name}: {job}");
            Assert.Contains(
                right.Split(": ")[^1], job.GetProperty("predictions")[0].GetProperty("label").GetString(),
                StringComparison.Ordinal);
        });
    }

    [SkippableFact]
    public async Task Requests_that_cannot_be_used_are_refused_with_the_reason()
    {
        await using var service = await RunningService.StartAsync(
            "uploads.max-file-size=200KiB", "uploads.max-files=3", "uploads.max-request-size=2MiB");
        var picture = TestPictures.All.First(candidate => candidate.Bytes.Length < 100_000);
        var large = new byte[300 * 1024];
        picture.Bytes.CopyTo(large, 0);

        using var empty = new MultipartFormDataContent { { new StringContent("no picture"), "comment" } };
        await AssertProblemAsync(service, "/api/batches", empty, HttpStatusCode.BadRequest, "nothing-usable");
        await AssertProblemAsync(service, "/api/batches", new ByteArrayContent([]),
            HttpStatusCode.UnsupportedMediaType, "not-multipart");
        await AssertProblemAsync(service, "/api/batches", new StringContent("cat"),
            HttpStatusCode.UnsupportedMediaType, "not-multipart");
        await AssertProblemAsync(service, "/api/batches", JsonContent.Create(new { picture = "cat" }),
            HttpStatusCode.BadRequest, "malformed-references");
        await AssertProblemAsync(service, "/api/classify", JsonContent.Create(new { picture = "cat" }),
            HttpStatusCode.UnsupportedMediaType, "not-multipart");
        await AssertProblemAsync(service, "/api/batches", Files(("text.jpg", "hello"u8.ToArray())),
            HttpStatusCode.BadRequest, "nothing-usable");
        await AssertProblemAsync(service, "/api/batches", Files([.. Enumerable.Repeat((picture.Name, picture.Bytes), 4)]),
            HttpStatusCode.RequestEntityTooLarge, "too-many-files");
        await AssertProblemAsync(service, "/api/batches", Files(("much.jpg", new byte[3 * 1024 * 1024])),
            HttpStatusCode.RequestEntityTooLarge, "request-too-large");
        await AssertProblemAsync(service, "/", Files(("text.jpg", "hello"u8.ToArray())),
            HttpStatusCode.UnprocessableEntity, "content-mismatch");
        await AssertProblemAsync(service, "/", Files(("cat.gif", "GIF89a"u8.ToArray())),
            HttpStatusCode.UnprocessableEntity, "unsupported-name");

        using var mixed = Files((picture.Name, picture.Bytes), (Path.ChangeExtension("large", Path.GetExtension(picture.Name)), large));
        using var answer = await service.Http.PostAsync("/api/batches", mixed);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var jobs = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("jobs");
        Assert.Equal("queued", jobs[0].GetProperty("status").GetString());
        Assert.Equal("rejected", jobs[1].GetProperty("status").GetString());
        Assert.Equal("too-large", jobs[1].GetProperty("errorCode").GetString());

        // The store has nothing of the refused files.
        var images = Path.Combine(service.DataFolder, "objects", "images");
        Assert.Single(Directory.EnumerateFiles(images, "*", SearchOption.AllDirectories));
    }

    [SkippableTheory]
    [InlineData("image-classifier.scaling.max-instances=0", "image-classifier.scaling.max-instances", "0")]
    [InlineData("image-classifier.scaling.max-instnaces=4", "max-instnaces", "max-instances")]
    [InlineData("image-classifier.node.classification.model=/nowhere/at/all", "classification.model", "/nowhere/at/all")]
    [InlineData("image-classifier.fleet.kind=ec2", "image-classifier.fleet.kind", "ec2")]
    [InlineData("image-classifier.environment=aws", "image-classifier.aws.s3.bucket", "not set")]
    [InlineData("image-classifier.web.urls=gopher://here", "image-classifier.web.urls", "gopher://here")]
    [InlineData("image-classifier.web.urls=http://loclahost:7107", "image-classifier.web.urls", "did you mean localhost?")]
    [InlineData("image-classifier.node.polling.max-in-flight=5", "node.polling.max-in-flight", "from 20")]
    [InlineData("image-classifier.node.classification.classifiers=200", "classification.classifiers", "more cores")]
    public async Task A_wrong_setting_stops_the_start_and_is_named(string setting, string key, string value)
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-");
        var (exitCode, output, error) = await BuiltProgram.RunAsync("web", "--data", data.FullName, "--set", setting);
        data.Delete(recursive: true);

        Assert.Equal(2, exitCode);
        Assert.Empty(output);
        Assert.Contains(key, error, StringComparison.Ordinal);
        Assert.Contains(value, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_port_in_use_is_reported_in_one_line()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}");
        var data = Directory.CreateTempSubdirectory("image-classifier-");

        var (exitCode, _, error) = await BuiltProgram.RunAsync("web", "--data", data.FullName, "--urls", url);
        data.Delete(recursive: true);

        Assert.Equal(2, exitCode);
        Assert.Contains(url, error, StringComparison.Ordinal);
        Assert.Contains("address already in use", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_node_that_is_a_process_needs_its_name()
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-");
        var (exitCode, _, error) = await BuiltProgram.RunAsync("node", "--data", data.FullName);
        data.Delete(recursive: true);

        Assert.Equal(2, exitCode);
        Assert.Contains("--instance", error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_second_web_tier_on_the_same_folder_is_refused()
    {
        await using var service = await RunningService.StartAsync();

        var (exitCode, _, error) = await BuiltProgram.RunAsync(
            "web", "--data", service.DataFolder, "--urls", "http://127.0.0.1:0");

        Assert.Equal(2, exitCode);
        Assert.Contains("another web tier", error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Classify_answers_in_order_and_reports_failures()
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-");
        var good = Path.Combine(folder.FullName, TestPictures.All[0].Name);
        var bad = Path.Combine(folder.FullName, "text.jpg");
        await File.WriteAllBytesAsync(good, TestPictures.All[0].Bytes);
        await File.WriteAllTextAsync(bad, "no picture");

        var (exitCode, output, error) = await BuiltProgram.RunAsync("classify", "--json", bad, good);
        folder.Delete(recursive: true);

        Assert.Equal(1, exitCode);
        var files = JsonSerializer.Deserialize<JsonElement>(output);
        Assert.Equal("failed", files[0].GetProperty("status").GetString());
        Assert.Equal("classified", files[1].GetProperty("status").GetString());
        Assert.Equal(good, files[1].GetProperty("file").GetString());
        Assert.Empty(error);
    }

    private static MultipartFormDataContent Files(params (string Name, byte[] Bytes)[] files) => ServiceClient.Form(files);

    private static async Task AssertProblemAsync(
        RunningService service, string path, HttpContent content, HttpStatusCode status, string type)
    {
        using var answer = await service.Http.PostAsync(path, content);
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal($"urn:image-classifier:{type}", problem.GetProperty("type").GetString());
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
    }
}
