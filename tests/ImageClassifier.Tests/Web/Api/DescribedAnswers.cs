using System.Globalization;
using System.Text.Json.Nodes;
using ImageClassifier.Tests.Web.Callbacks;
using ImageClassifier.Web.Edge;
using Xunit;

namespace ImageClassifier.Tests.Web.Api;

/// <summary>Compares answers and deliveries with the API's description. All tests of the web tier do it with every answer
/// that they get.</summary>
internal static class DescribedAnswers
{
    private static readonly Lazy<JsonObject> Document =
        new(() => JsonNode.Parse(File.ReadAllText(ApiDocument.File))!.AsObject());

    /// <summary>Asserts that the description names this answer: its status, its headers, its type and everything in a
    /// JSON body. Answers of addresses and methods that are no described call pass.</summary>
    public static async Task AssertDescribedAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        var request = answer.RequestMessage!;
        if (ApiDocument.IsWritten || OperationOf(request) is not { } operation) return;
        var status = ((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture);
        var type = answer.Content.Headers.ContentType?.MediaType;
        var isHead = request.Method == HttpMethod.Head;
        var body = type?.EndsWith("json", StringComparison.Ordinal) == true && !isHead
            ? JsonNode.Parse(await BufferedAsync(answer, cancellation))
            : null;
        var what = $"{request.Method} {request.RequestUri!.AbsolutePath}: {status} {type} {body?.ToJsonString()}";
        var isOther = body?["type"] is JsonValue kind && kind.ToString() == ProblemKind.OtherType;
        var described = operation["responses"]![isOther ? "default" : status];
        // A HEAD has no body that could name the case.
        described ??= isHead ? operation["responses"]!["default"] : null;
        Assert.True(described is not null, $"The API's description lacks this answer: {what}");
        foreach (var (name, header) in described!["headers"]?.AsObject() ?? new JsonObject())
        {
            if (!header!["required"]!.GetValue<bool>()) continue;
            Assert.True(
                answer.Headers.NonValidated.Contains(name) || answer.Content.Headers.NonValidated.Contains(name),
                $"The API's description promises the header {name}: {what}");
        }

        if (described["content"] is not { } content)
        {
            Assert.True(type is null, $"The API's description promises no body: {what}");
            return;
        }

        Assert.True(type is not null && content[type] is not null, $"The API's description lacks this type: {what}");
        if (body is null || type == "text/event-stream") return;
        var faults = new JsonSchemaCheck(Document.Value).FaultsOf(body, content[type!]!["schema"]!);
        Assert.True(faults.Count == 0, $"{string.Join("\n", faults)}\nin {what}");
    }

    /// <summary>Asserts that the description names this delivery to a callback: its headers and everything in its
    /// body.</summary>
    public static void AssertDescribed(ReceivedCall delivery)
    {
        if (ApiDocument.IsWritten) return;
        var body = JsonNode.Parse(delivery.Body)!;
        var message = Document.Value["webhooks"]![body["type"]!.GetValue<string>()]?["post"];
        Assert.True(message is not null, $"The API's description lacks this message: {delivery.Body}");
        Assert.All(message!["parameters"]!.AsArray(),
            header => Assert.Contains(header!["name"]!.GetValue<string>(), delivery.Headers.Keys));
        var schema = message["requestBody"]!["content"]![delivery.ContentType.Split(';')[0]]!["schema"]!;
        Assert.Empty(new JsonSchemaCheck(Document.Value).FaultsOf(body, schema));
    }

    private static async Task<string> BufferedAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        // The test can read the body again.
        await answer.Content.LoadIntoBufferAsync(cancellation);
        return await answer.Content.ReadAsStringAsync(cancellation);
    }

    private static JsonNode? OperationOf(HttpRequestMessage request)
    {
        var method = request.Method == HttpMethod.Head ? "get" : request.Method.Method.ToLowerInvariant();
        return Document.Value["paths"]!.AsObject()
            .Where(path => Matches(path.Key, request.RequestUri!.AbsolutePath))
            .Select(path => path.Value![method])
            .FirstOrDefault();
    }

    private static bool Matches(string template, string path)
    {
        var (expected, actual) = (template.Split('/'), path.Split('/'));
        return expected.Length == actual.Length
            && expected.Zip(actual).All(part => part.First.StartsWith('{') ? part.Second.Length > 0 : part.First == part.Second);
    }
}
