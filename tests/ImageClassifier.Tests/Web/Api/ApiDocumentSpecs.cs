using System.Net;
using System.Text.Json.Nodes;
using ImageClassifier.Core.Messages;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi;
using Xunit;

namespace ImageClassifier.Tests.Web.Api;

/// <summary>The API's description: the file that the service serves is the one that the code gives, with examples that
/// are sent here. Write it anew with the variable <c>IMAGE_CLASSIFIER_WRITE_OPENAPI=1</c>.</summary>
public sealed class ApiDocumentSpecs
{
    private static readonly JsonObject Document = Read();

    [Fact]
    public async Task The_file_is_what_the_code_and_the_answers_to_its_examples_give()
    {
        await using var tier =
            (await RunningWebTier.StartAsync(services: ApiDocument.AddTo)).WithNode(ApiExamples.Classify);
        var generated = await ApiDocument.GenerateAsync(tier, await ApiExamples.SendAsync(tier));
        if (ApiDocument.IsWritten)
        {
            await File.WriteAllTextAsync(ApiDocument.File, generated);
            return;
        }

        var file = await File.ReadAllTextAsync(ApiDocument.File);
        if (generated == file) return;
        Assert.Fail(
            "The API has changed. Run this test with IMAGE_CLASSIFIER_WRITE_OPENAPI=1, and look at what it changes in "
            + $"{ApiDocument.File}. {FirstDifference(generated, file)}");
    }

    [Fact]
    public async Task The_file_is_a_valid_OpenAPI_3_1_document()
    {
        var read = OpenApiDocument.Parse(await File.ReadAllTextAsync(ApiDocument.File), "json");
        Assert.Empty(read.Diagnostic!.Errors);
        Assert.Empty(read.Diagnostic.Warnings);
        Assert.Equal(OpenApiSpecVersion.OpenApi3_1, read.Diagnostic.SpecificationVersion);
    }

    [Fact]
    public void Every_example_fits_its_schema()
    {
        var check = new JsonSchemaCheck(Document);
        var messages = Document["webhooks"]!.AsObject().Select(message => message.Value!["post"]!["requestBody"]!);
        var examples = Operations().SelectMany(operation => operation["responses"]!.AsObject())
            .Select(response => response.Value!).Concat(messages)
            .SelectMany(body => body["content"]?.AsObject() ?? new JsonObject())
            .Where(content => content.Value!["example"] is not null)
            .Select(content => content.Value!)
            .ToList();
        Assert.NotEmpty(examples);
        Assert.All(examples, content => Assert.Empty(check.FaultsOf(content["example"], content["schema"]!)));
    }

    [Fact]
    public void Every_form_describes_every_field()
    {
        var forms = Operations().Select(operation => operation["requestBody"]?["content"]?["multipart/form-data"])
            .OfType<JsonNode>().ToList();
        Assert.Equal(3, forms.Count);
        Assert.All(forms, form => Assert.Superset(
            UploadForm.Fields.ToHashSet(),
            form["schema"]!["properties"]!.AsObject().Select(field => field.Key).ToHashSet()));
    }

    [Fact]
    public async Task Every_mapped_call_is_described_and_every_described_call_is_mapped()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var mapped = ApiDocument.Described(tier.Calls).SelectMany(call =>
            call.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Where(method => method != "HEAD")
                .Select(method => $"{method} {call.RoutePattern.RawText}"));
        var described = Document["paths"]!.AsObject().SelectMany(path =>
            path.Value!.AsObject().Select(operation => $"{operation.Key.ToUpperInvariant()} {path.Key}"));
        Assert.Equal(mapped.Order(), described.Order());
    }

    [Fact]
    public async Task Every_kind_of_error_is_described_at_a_call()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var described = ApiDocument.Described(tier.Calls).SelectMany(ApiOperation.ProblemsOf).ToHashSet();
        // This one answers OPTIONS only, which is no call. The introduction has it.
        described.Add(ProblemKinds.CrossSiteRefused);
        var kinds = typeof(ProblemKinds).GetFields().Select(field => field.GetValue(null)).OfType<ProblemKind>()
            .Concat(ProblemKinds.OfPictures);
        Assert.Empty(kinds.Except(described).Select(kind => kind.Name));
    }

    [Fact]
    public void The_list_of_error_codes_of_pictures_is_complete() => Assert.Equal(
        typeof(JobErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!).Order(),
        JobErrorCodes.All.Order());

    [Theory]
    [InlineData("/api/openapi.json", "application/json")]
    [InlineData("/api/docs/", "text/html")]
    [InlineData("/api/docs/docs.js", "text/javascript")]
    [InlineData("/api/docs/scalar.js", "text/javascript")]
    public async Task Document_and_page_are_open_to_everyone_and_browsers_revalidate_them(string address, string type)
    {
        var key = $"access.keys {{ alice = \"{ApiKey.SettingOf("ick_a")}\" }}";
        await using var tier = await RunningWebTier.StartAsync(key);
        using var answer = await tier.Client.GetAsync(address, tier.InTime);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(type, answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("no-cache", Assert.Single(answer.Headers.GetValues("Cache-Control")));

        using var again = new HttpRequestMessage(HttpMethod.Get, address);
        again.Headers.IfNoneMatch.Add(answer.Headers.ETag!);
        using var unchanged = await tier.Client.SendAsync(again, tier.InTime);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
    }

    [Fact]
    public async Task The_script_comes_compressed_to_who_takes_gzip()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var plain = await tier.Client.GetByteArrayAsync("/api/docs/scalar.js", tier.InTime);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/docs/scalar.js");
        request.Headers.AcceptEncoding.ParseAdd("gzip");
        using var answer = await tier.Client.SendAsync(request, tier.InTime);
        Assert.Equal("gzip", Assert.Single(answer.Content.Headers.ContentEncoding));
        await using var compressed = await answer.Content.ReadAsStreamAsync(tier.InTime);
        await using var content = new System.IO.Compression.GZipStream(
            compressed, System.IO.Compression.CompressionMode.Decompress);
        using var copy = new MemoryStream();
        await content.CopyToAsync(copy, tier.InTime);
        Assert.True(plain.AsSpan().SequenceEqual(copy.ToArray()));
    }

    private static IEnumerable<JsonNode> Operations() => Document["paths"]!.AsObject()
        .SelectMany(path => path.Value!.AsObject()).Select(operation => operation.Value!);

    private static JsonObject Read() => JsonNode.Parse(File.ReadAllText(ApiDocument.File))!.AsObject();

    private static string FirstDifference(string generated, string file)
    {
        var (now, before) = (generated.Split('\n'), file.Split('\n'));
        var line = now.Zip(before).TakeWhile(lines => lines.First == lines.Second).Count();
        return $"Line {line + 1} is now: {now.ElementAtOrDefault(line)}";
    }
}
