using System.Text.Json.Nodes;
using ImageClassifier.Web.Http.Description;
using ImageClassifier.Web.Results;

namespace ImageClassifier.Tests.Web.Api;

/// <summary>Describes the messages that the service sends to callbacks: the description's <c>webhooks</c>.</summary>
internal static class ApiMessages
{
    private const string Required = "required";
    private const string Description = "description";

    private static readonly Message BatchFinished = new(
        BatchCallbacks.BatchFinished, typeof(BatchSummary), "batchFinished", "A batch is finished",
        "All pictures of a batch have a result. It comes again after failed pictures were sent again (`queue redrive`) "
        + "and have new results.");

    private static readonly Message JobFinished = new(
        BatchCallbacks.JobFinished, typeof(FinishedJobDocument), "jobFinished", "A picture has its result",
        "Comes for each picture of an upload with `callbackEvents=job`, instead of `batch.finished`.");

    /// <summary>The types of the messages' data.</summary>
    public static IEnumerable<Type> Data => [BatchFinished.Data, JobFinished.Data];

    /// <summary>Describes all messages, each with an example made from that of a batch.</summary>
    public static JsonObject Describe(ApiExamples examples)
    {
        var batch = examples.Of("getBatch").Body!.DeepClone().AsObject();
        var job = new JsonObject
        {
            ["batchId"] = batch["batchId"]!.DeepClone(),
            ["job"] = batch["jobs"]![0]!.DeepClone(),
            ["links"] = batch["links"]!.DeepClone(),
        };
        batch.Remove("jobs");
        return new JsonObject
        {
            [BatchFinished.Type] = Describe(BatchFinished, batch),
            [JobFinished.Type] = Describe(JobFinished, job),
        };
    }

    private static JsonObject Describe(Message message, JsonObject example) => new()
    {
        ["post"] = new JsonObject
        {
            ["summary"] = message.Summary,
            [Description] = message.Text,
            ["operationId"] = message.Name,
            ["parameters"] = new JsonArray(
                Header("webhook-id", "The id of the delivery. It is the same at each try: drop what comes twice."),
                Header("webhook-timestamp", "When this try was made, in seconds since 1970. Drop what is old."),
                Header("webhook-signature",
                    "The signatures, separated by spaces: `v1,` and the HMAC-SHA256 in base64 of the id, the timestamp and "
                    + "the body, with points between them. One of them must fit the secret.")),
            ["requestBody"] = new JsonObject
            {
                [Required] = true,
                ["content"] = new JsonObject
                {
                    [CallDescription.Json] = new JsonObject
                    {
                        ["schema"] = Schema(message),
                        ["example"] = new JsonObject
                        {
                            ["type"] = message.Type,
                            ["timestamp"] = ApiExamples.Time,
                            ["data"] = example,
                        },
                    },
                },
            },
            ["responses"] = new JsonObject
            {
                ["2XX"] = Answer("The delivery has arrived. The body does not matter."),
                ["410"] = Answer("The receiver does not want this delivery. It is given up."),
                ["default"] = Answer(
                    "The delivery is tried again, eight times in a day. No answer within 10 s counts as a failure. "
                    + "`Retry-After` is obeyed up to an hour. Redirects are not followed."),
            },
        },
    };

    private static JsonObject Schema(Message message) => new()
    {
        ["type"] = "object",
        [Required] = new JsonArray("type", "timestamp", "data"),
        ["properties"] = new JsonObject
        {
            ["type"] = new JsonObject
            {
                ["type"] = "string",
                ["enum"] = new JsonArray(message.Type),
                [Description] = "What happened.",
            },
            ["timestamp"] = new JsonObject
            {
                ["type"] = "string",
                ["format"] = "date-time",
                [Description] = "When it happened.",
            },
            ["data"] = new JsonObject { ["$ref"] = ApiSchemas.ReferenceTo(message.Data) },
        },
    };

    private static JsonObject Header(string name, string description) => new()
    {
        ["name"] = name,
        ["in"] = "header",
        [Description] = description,
        [Required] = true,
        ["schema"] = new JsonObject { ["type"] = "string" },
    };

    private static JsonObject Answer(string description) => new() { [Description] = description };

    /// <summary>A message.</summary>
    /// <param name="Type">Its type, which receivers compare.</param>
    /// <param name="Data">The type of its data.</param>
    /// <param name="Name">The name of its operation.</param>
    /// <param name="Summary">Its title.</param>
    /// <param name="Text">When it comes.</param>
    private sealed record Message(string Type, Type Data, string Name, string Summary, string Text);
}
