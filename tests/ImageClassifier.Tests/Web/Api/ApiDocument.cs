using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Http.Description;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace ImageClassifier.Tests.Web.Api;

/// <summary>Generates the API's description, an OpenAPI 3.1 document, from the mapped calls. ASP.NET gives paths and
/// schemas. What only our own code knows comes from the calls' <see cref="CallDescription"/>, their
/// <see cref="CallProblems"/> and the doc comments.</summary>
internal static class ApiDocument
{
    private const string Name = "api";

    /// <summary>The file that the service serves.</summary>
    public static string File { get; } =
        Path.Combine(Repository.Root, "src", "ImageClassifier.Web", "Page", "api", "openapi.json");

    /// <summary>Whether this run writes the file anew. Then answers cannot be compared with it.</summary>
    public static bool IsWritten { get; } =
        Environment.GetEnvironmentVariable("IMAGE_CLASSIFIER_WRITE_OPENAPI") == "1";

    private static readonly (string Name, string Description)[] Tags =
    [
        ("Batches", "Many pictures at once: upload, then follow the results."),
        ("One picture", "One picture, and an answer that waits for its result."),
        ("Service", "The fleet, and whether the service works."),
    ];

    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NewLine = "\n",
    };

    /// <summary>Adds ASP.NET's generator to a tier.</summary>
    public static void AddTo(IServiceCollection services)
    {
        services.AddSingleton<SeenTypes>();
        // The service only writes numbers, and never as text.
        services.Configure<JsonOptions>(json =>
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict);
        services.AddOpenApi(Name, options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            // HEAD works wherever GET does, which the introduction says.
            options.ShouldInclude = call => call.HttpMethod != "HEAD";
            options.CreateSchemaReferenceId = type => SeenTypes.IsOurs(type.Type) ? SeenTypes.NameOf(type.Type) : null;
            options.AddSchemaTransformer((_, context, _) =>
            {
                context.ApplicationServices.GetRequiredService<SeenTypes>().Add(context.JsonTypeInfo.Type);
                return Task.CompletedTask;
            });
            // No call answers with the data of these messages, nor with the documents that it takes.
            options.AddDocumentTransformer(async (document, context, cancellation) =>
            {
                foreach (var type in (Type[])[.. ApiMessages.Data, typeof(ReferenceListDocument), typeof(ReferenceDocument)])
                {
                    document.AddComponent(
                        SeenTypes.NameOf(type), await context.GetOrCreateSchemaAsync(type, null, cancellation));
                }
            });
        });
    }

    /// <summary>Generates the document.</summary>
    public static async Task<string> GenerateAsync(RunningWebTier tier, ApiExamples examples)
    {
        var generated = await tier.Services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name)
            .GetOpenApiDocumentAsync(tier.InTime);
        var document = JsonNode.Parse(
            await generated.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, tier.InTime))!.AsObject();
        var schemas = ApiSchemas.Complete(
            document["components"]!["schemas"]!.AsObject(), tier.Services.GetRequiredService<SeenTypes>());
        var limits = tier.Services.GetRequiredService<UploadSettings>();
        var paths = new JsonObject();
        var calls = Described(tier.Calls)
            .OrderBy(PathOf, StringComparer.Ordinal).ThenBy(MethodOf, StringComparer.Ordinal);
        foreach (var call in calls)
        {
            var operation = document["paths"]?[PathOf(call)]?[MethodOf(call)]?.AsObject()
                ?? throw new InvalidOperationException($"ASP.NET does not list {MethodOf(call)} {PathOf(call)}.");
            if (!paths.ContainsKey(PathOf(call))) paths[PathOf(call)] = new JsonObject();
            paths[PathOf(call)]![MethodOf(call)] =
                ApiOperation.Of(call, operation, limits, examples);
        }

        return new JsonObject
        {
            ["openapi"] = document["openapi"]!.DeepClone(),
            ["info"] = Info(limits),
            ["servers"] = new JsonArray(new JsonObject { ["url"] = "/" }),
            ["tags"] = new JsonArray([.. Tags.Select(tag =>
                new JsonObject { ["name"] = tag.Name, ["description"] = tag.Description })]),
            ["paths"] = paths,
            ["webhooks"] = ApiMessages.Describe(examples),
            ["components"] = new JsonObject { ["schemas"] = schemas, ["securitySchemes"] = SecuritySchemes() },
        }.ToJsonString(Readable) + "\n";
    }

    /// <summary>The calls that the document describes.</summary>
    public static IEnumerable<RouteEndpoint> Described(IEnumerable<RouteEndpoint> calls) => calls.Where(call =>
        call.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is null);

    private static string PathOf(RouteEndpoint call) => call.RoutePattern.RawText!;

    private static string MethodOf(RouteEndpoint call) =>
        call.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0].ToLowerInvariant();

    private static JsonObject Info(UploadSettings limits) => new()
    {
        ["title"] = "ImageClassifier",
        ["version"] = typeof(ApiPage).Assembly.GetName().Version!.ToString(3),
        ["description"] =
            $"""
            Upload pictures, and get their labels. Each result follows as soon as it is ready.

            **Access**: a batch's id is enough to read the batch, so keep it secret. Uploads, deletions and the fleet need
            a key if the service has keys.

            **Deadline**: an upload can name a time with `deadline`, as in RFC 3339 with an offset, at most seven days ahead.
            A picture that has no result by then fails with the code `expired`.

            **Errors** are problem details (RFC 9457). `type` names the case for programs; `title` and `detail` say what
            happened and what to do. Every call can also answer `{ProblemKind.OtherType}` with any status, if no other type
            fits. `429` and `503` say in `Retry-After` after how many seconds to try again.

            **Methods**: `HEAD` works wherever `GET` does. `OPTIONS` lists the methods of an address in `Allow`; so does
            `405`. Pages of other sites cannot call the service: their preflight is answered with
            `{ProblemKinds.CrossSiteRefused.Type}`.

            **Retries**: send an upload with an `Idempotency-Key`. If its answer is lost, send the same again: the answer is
            the same batch.

            **Callbacks**: an upload can name an address with `callback`. The service calls it with the results, signed as
            Standard Webhooks specifies.

            **Limits** (unless the operator changes them): {limits.MaxFiles:#,##0} pictures and {limits.MaxRequestSize >> 30}
            GiB a request, {limits.MaxFileSize >> 20} MiB a picture. Pictures are {limits.Formats.Names}; their first bytes
            decide.

            All answers have `Cache-Control`, `Content-Security-Policy` and the other usual headers of a careful service.
            """.ReplaceLineEndings("\n"),
        ["license"] = new JsonObject { ["name"] = "Apache-2.0", ["identifier"] = "Apache-2.0" },
    };

    private static JsonObject SecuritySchemes() => new()
    {
        ["key"] = new JsonObject
        {
            ["type"] = "apiKey",
            ["in"] = "header",
            ["name"] = AccessGate.KeyHeader,
            ["description"] = "A key of the service's operator. It goes before `Authorization`.",
        },
        ["bearer"] = new JsonObject
        {
            ["type"] = "http",
            ["scheme"] = "bearer",
            ["description"] = "The same key as a bearer token.",
        },
    };
}
