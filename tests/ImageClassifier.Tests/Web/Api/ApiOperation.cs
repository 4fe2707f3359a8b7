using System.Globalization;
using System.Text.Json.Nodes;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Http.Description;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Routing;

namespace ImageClassifier.Tests.Web.Api;

/// <summary>Describes one call: its parameters, its form, its answers and its errors.</summary>
internal static class ApiOperation
{
    private const string Example = "example";
    private const string ProblemType = "application/problem+json";

    /// <summary>Describes a call.</summary>
    /// <param name="call">The call.</param>
    /// <param name="generated">What ASP.NET says about it.</param>
    /// <param name="limits">The limits of its form.</param>
    /// <param name="examples">The examples of all calls.</param>
    public static JsonObject Of(
        RouteEndpoint call, JsonObject generated, UploadSettings limits, ApiExamples examples)
    {
        var name = generated["operationId"]!.GetValue<string>();
        var example = examples.Of(name);
        var commands = new List<string> { example.Command };
        var operation = new JsonObject();
        foreach (var part in new[] { "tags", "summary", "description", "operationId" })
            operation[part] = generated[part]!.DeepClone();
        // A service without keys lets everyone in.
        if (NeedsKey(call))
        {
            operation["security"] = new JsonArray(
                new JsonObject { ["key"] = new JsonArray() }, new JsonObject { ["bearer"] = new JsonArray() },
                new JsonObject());
        }

        var parameters = Parameters(call, generated, example);
        if (parameters.Count > 0) operation["parameters"] = parameters;
        if (call.Metadata.GetMetadata<CallForm>() is { } form) operation["requestBody"] = Form(form, limits);
        if (call.Metadata.GetMetadata<CallDocument>() is { } document)
        {
            var sent = examples.Of(ApiExamples.WithDocument(name));
            commands.Add(sent.Command);
            operation["requestBody"]!["content"]![CallDescription.Json] = new JsonObject
            {
                ["schema"] = new JsonObject { ["$ref"] = ApiSchemas.ReferenceTo(document.Body) },
                [Example] = sent.Sent!.DeepClone(),
            };
        }

        operation["responses"] = Responses(call, generated, example);
        operation["x-codeSamples"] = new JsonArray([.. commands.Select(command => new JsonObject
        {
            ["lang"] = "Shell",
            ["label"] = command.Split(' ')[0],
            ["source"] = command,
        })]);
        return operation;
    }

    /// <summary>The kinds of errors that a call can answer.</summary>
    public static IEnumerable<ProblemKind> ProblemsOf(RouteEndpoint call) =>
        call.Metadata.GetOrderedMetadata<CallProblems>().SelectMany(problems => problems.Kinds)
            .Concat(NeedsKey(call) ? AccessGate.Refusals : [])
            .Distinct();

    private static bool NeedsKey(RouteEndpoint call) =>
        call.Metadata.GetMetadata<AccessMetadata.EveryoneMayCall>() is null;

    private static JsonArray Parameters(RouteEndpoint call, JsonObject generated, ApiExample example)
    {
        var parameters = call.Metadata.GetOrderedMetadata<CallParameter>();
        var bound = generated["parameters"]?.AsArray().Select(parameter => parameter!["name"]!.GetValue<string>()) ?? [];
        var described = parameters.Where(parameter => parameter.In != "header").Select(parameter => parameter.Name);
        if (!bound.Order().SequenceEqual(described.Order()))
            throw new InvalidOperationException($"Describe all parameters of {call.RoutePattern.RawText}: {string.Join(", ", bound)}.");
        if (call.Metadata.GetMetadata<CallForm>() is not null)
        {
            parameters =
            [
                new CallParameter(IdempotencyKey.Header, "header",
                    "Names the upload: 1 to 255 visible ASCII characters, hard to guess. The same request with the same key "
                    + "gets the same batch.") { Pattern = "^[!-~]{1,255}$" },
            ];
        }

        return new JsonArray([.. parameters.Select(parameter =>
        {
            var schema = new JsonObject { ["type"] = "string" };
            if (parameter.Pattern is { } pattern) schema["pattern"] = pattern;
            var written = new JsonObject
            {
                ["name"] = parameter.Name,
                ["in"] = parameter.In,
                ["description"] = parameter.Description,
                ["required"] = parameter.IsRequired,
                ["schema"] = schema,
            };
            if (example.Parameters.GetValueOrDefault(parameter.Name) is { } value) written[Example] = value;
            return written;
        })]);
    }

    private static JsonObject Form(CallForm form, UploadSettings limits)
    {
        var file = new JsonObject { ["type"] = "string", ["format"] = "binary" };
        var field = form.IsOneFile
            ? file
            : new JsonObject
            {
                ["type"] = "array",
                ["items"] = file,
                ["minItems"] = 1,
                ["maxItems"] = limits.MaxFiles,
            };
        field["description"] = $"The {(form.IsOneFile ? "picture" : "pictures")}. The field may have any name, and each part "
            + "needs a file name. Pictures without one are listed as refused files.";
        return new JsonObject
        {
            ["required"] = true,
            ["description"] = form.IsOneFile
                ? "A form with one file."
                : "A form with a part for each file. The jobs have the order of the parts.",
            ["content"] = new JsonObject
            {
                ["multipart/form-data"] = new JsonObject
                {
                    ["schema"] = new JsonObject
                    {
                        ["type"] = "object",
                        ["required"] = new JsonArray(form.Field),
                        ["properties"] = new JsonObject
                        {
                            [form.Field] = field,
                            [UploadForm.CallbackField] = new JsonObject
                            {
                                ["type"] = "string",
                                ["format"] = "uri",
                                ["maxLength"] = CallbackRequests.LongestUrl,
                                ["description"] = "An `https` address that the service calls with the results: see the "
                                    + "webhooks. The service needs a secret that signs the calls.",
                            },
                            [UploadForm.CallbackEventsField] = new JsonObject
                            {
                                ["$ref"] = ApiSchemas.ReferenceTo(typeof(CallbackEvents)),
                                ["description"] = "What is delivered to `callback`; `batch` unless said otherwise.",
                            },
                            [UploadForm.DeadlineField] = new JsonObject
                            {
                                ["type"] = "string",
                                ["format"] = "date-time",
                                ["description"] = "A time of the next seven days with its offset (RFC 3339): what has no "
                                    + "result by then fails with the code `expired`.",
                            },
                        },
                    },
                },
            },
        };
    }

    private static JsonObject Responses(RouteEndpoint call, JsonObject generated, ApiExample example)
    {
        var responses = new JsonObject();
        foreach (var answers in call.Metadata.GetOrderedMetadata<CallAnswer>().GroupBy(answer => answer.Status))
        {
            var status = answers.Key.ToString(CultureInfo.InvariantCulture);
            var response = new JsonObject { ["description"] = answers.First().Description };
            var headers = answers.SelectMany(answer => answer.Headers).ToList();
            if (headers.Count > 0)
                response["headers"] = new JsonObject(headers.Select(header => Header(header.Name, header.Description, true)));
            var content = new JsonObject();
            foreach (var answer in answers)
            {
                foreach (var type in answer.ContentTypes)
                {
                    content[type] = new JsonObject
                    {
                        ["schema"] = answer.Body is null
                            ? Plain(type)
                            : generated["responses"]![status]!["content"]![type]!["schema"]!.DeepClone(),
                    };
                    if (example.BodyOf(type) is { } body) content[type]![Example] = body.DeepClone();
                }
            }

            if (content.Count > 0) response["content"] = content;
            responses[status] = response;
        }

        foreach (var kinds in ProblemsOf(call).GroupBy(kind => kind.Status).OrderBy(kinds => kinds.Key))
            responses[$"{kinds.Key}"] = Failure([.. kinds]);
        responses["default"] = Failure(
            "Another error.", new JsonObject { ["$ref"] = $"#/components/schemas/{ApiSchemas.Problem}" });
        return responses;
    }

    private static JsonObject Plain(string contentType) => contentType == CallDescription.Text
        ? new JsonObject { ["type"] = "string" }
        : new JsonObject { ["type"] = "string", ["format"] = "binary" };

    private static JsonObject Failure(IReadOnlyList<ProblemKind> kinds)
    {
        var description = string.Join("\n", kinds.GroupBy(kind => kind.Title).Select(same =>
            $"- {same.Key} {string.Join(", ", same.Select(kind => $"`{kind.Type}`").Distinct())}"));
        var response = Failure(description, new JsonObject
        {
            ["allOf"] = new JsonArray(
                new JsonObject { ["$ref"] = $"#/components/schemas/{ApiSchemas.Problem}" },
                new JsonObject
                {
                    ["properties"] = new JsonObject
                    {
                        ["type"] = new JsonObject
                        {
                            ["enum"] = new JsonArray([.. kinds.Select(kind => kind.Type).Distinct()]),
                        },
                    },
                }),
        });
        var headers = new JsonObject();
        if (kinds.Any(kind => kind.SaysWhenToRetry))
        {
            headers.Add(Header(
                "Retry-After", "After how many seconds to try again.", kinds.All(kind => kind.SaysWhenToRetry), "integer"));
        }

        if (kinds.Contains(ProblemKinds.KeyNeeded))
            headers.Add(Header("WWW-Authenticate", "How to send the key (RFC 6750).", true));
        if (headers.Count > 0) response["headers"] = headers;
        return response;
    }

    private static JsonObject Failure(string description, JsonObject schema) => new()
    {
        ["description"] = description,
        ["content"] = new JsonObject { [ProblemType] = new JsonObject { ["schema"] = schema } },
    };

    private static KeyValuePair<string, JsonNode?> Header(
        string name, string description, bool isRequired, string type = "string") =>
        new(name, new JsonObject
        {
            ["description"] = description,
            ["required"] = isRequired,
            ["schema"] = new JsonObject { ["type"] = type },
        });
}
