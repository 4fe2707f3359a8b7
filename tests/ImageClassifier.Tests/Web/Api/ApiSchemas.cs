using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;

namespace ImageClassifier.Tests.Web.Api;

/// <summary>Completes ASP.NET's schemas: doc comments, ids, closed sets of words, and properties that are left out where
/// C# has null.</summary>
internal static class ApiSchemas
{
    /// <summary>The name of the schema of all errors.</summary>
    public const string Problem = "Problem";

    private const string Hash = "^[0-9a-f]{64}$";

    private static readonly string[] Shares =
    [
        nameof(Prediction.Probability), nameof(ModelDocument.Share), nameof(ModelDocument.FailedShare),
        nameof(ModelDocument.MeanConfidence),
    ];

    private static readonly XmlDocs Docs = new(typeof(ApiPage).Assembly, typeof(BatchId).Assembly);

    private static readonly Dictionary<Type, string> Ids = new()
    {
        [typeof(BatchId)] = "^[0-9a-f]{32}$",
        [typeof(JobId)] = "^[0-9a-f]{32}$",
        [typeof(InstanceId)] = "^[0-9A-Za-z][0-9A-Za-z-]{0,63}$",
    };

    /// <summary>The properties that are texts in C#, and have a few values only.</summary>
    private static readonly Dictionary<(Type, string), IReadOnlyList<string>> Words = new()
    {
        [(typeof(EventDocument), nameof(EventDocument.Type))] = [EventDocument.Result, EventDocument.Complete],
        [(typeof(HealthDocument), nameof(HealthDocument.Status))] = ["live", "serving", "ready"],
        [(typeof(JobDocument), nameof(JobDocument.ErrorCode))] = JobErrorCodes.All,
        [(typeof(AcceptedJobDocument), nameof(AcceptedJobDocument.ErrorCode))] = JobErrorCodes.All,
        [(typeof(ReferenceListDocument), nameof(ReferenceListDocument.CallbackEvents))] = ["batch", "job"],
    };

    /// <summary>What a type of a request demands beyond the types of its properties.</summary>
    private static readonly Dictionary<Type, string> Demands = new()
    {
        [typeof(ReferenceListDocument)] = """{ "additionalProperties": false }""",
        [typeof(ReferenceDocument)] =
            """{ "additionalProperties": false, "oneOf": [{ "required": ["url"] }, { "required": ["s3"] }] }""",
    };

    /// <summary>The same of a property.</summary>
    private static readonly Dictionary<(Type, string), string> DemandsOfProperties = new()
    {
        [(typeof(ReferenceListDocument), nameof(ReferenceListDocument.Pictures))] = """{ "minItems": 1 }""",
        [(typeof(ReferenceListDocument), nameof(ReferenceListDocument.Callback))] =
            $$"""{ "format": "uri", "maxLength": {{CallbackRequests.LongestUrl}} }""",
        [(typeof(ReferenceListDocument), nameof(ReferenceListDocument.Deadline))] = """{ "format": "date-time" }""",
        [(typeof(ReferenceDocument), nameof(ReferenceDocument.Url))] =
            $$"""{ "format": "uri", "maxLength": {{PictureReference.LongestAddress}} }""",
        [(typeof(ReferenceDocument), nameof(ReferenceDocument.S3))] =
            $$"""{ "pattern": "^s3://[^/]+/.", "maxLength": {{PictureReference.LongestAddress}} }""",
    };

    public static JsonObject Complete(JsonObject generated, SeenTypes types)
    {
        var schemas = new JsonObject { [Problem] = ProblemSchema() };
        foreach (var (name, type) in types.ByName) schemas[name] = Complete(generated[name], type);
        return new JsonObject(schemas.OrderBy(schema => schema.Key, StringComparer.Ordinal)
            .Select(schema => KeyValuePair.Create(schema.Key, schema.Value?.DeepClone())));
    }

    /// <summary>A reference to the schema of a type.</summary>
    public static string ReferenceTo(Type type) => $"#/components/schemas/{SeenTypes.NameOf(type)}";

    private static JsonObject Complete(JsonNode? generated, Type type)
    {
        if (Ids.TryGetValue(type, out var pattern))
            return new JsonObject { ["type"] = "string", ["description"] = Docs.Of(type), ["pattern"] = pattern };
        if (type.IsEnum) return Enumeration(type);
        var completed = new JsonObject { ["type"] = "object", ["description"] = Docs.Of(type) };
        var properties = generated!["properties"]!.AsObject();
        var members = type.GetProperties().ToDictionary(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name));
        completed["required"] = new JsonArray(
            [.. properties.Where(property => !IsNullable(members[property.Key])).Select(property => property.Key)]);
        completed["properties"] = new JsonObject(properties.Select(property =>
            KeyValuePair.Create(property.Key, (JsonNode?)Property(property.Value!, members[property.Key]))));
        if (Demands.TryGetValue(type, out var demands)) Add(demands, completed);
        return completed;
    }

    private static void Add(string demands, JsonObject schema)
    {
        foreach (var (name, value) in JsonNode.Parse(demands)!.AsObject()) schema[name] = value!.DeepClone();
    }

    private static JsonObject Property(JsonNode generated, PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        var schema = SeenTypes.IsOurs(type)
            ? new JsonObject { ["$ref"] = ReferenceTo(type) }
            : WithoutNull(generated.DeepClone().AsObject());
        // ASP.NET refers to the schema of an item only if a call answers with the list.
        if (schema.ContainsKey("items") && type.IsGenericType && type.GetGenericArguments()[0] is var item
            && SeenTypes.IsOurs(item))
            schema["items"] = new JsonObject { ["$ref"] = ReferenceTo(item) };
        if (property.Name.EndsWith("Sha256", StringComparison.Ordinal)) schema["pattern"] = Hash;
        if (Shares.Contains(property.Name)) (schema["minimum"], schema["maximum"]) = (0, 1);
        if (Words.TryGetValue((property.DeclaringType!, property.Name), out var words))
            schema["enum"] = new JsonArray([.. words]);
        if (DemandsOfProperties.TryGetValue((property.DeclaringType!, property.Name), out var demands)) Add(demands, schema);
        schema["description"] = Docs.Of(property);
        return schema;
    }

    private static JsonObject Enumeration(Type type)
    {
        var words = Enum.GetNames(type).Select(name => (Name: name, Word: JsonNamingPolicy.CamelCase.ConvertName(name)));
        return new JsonObject
        {
            ["type"] = "string",
            ["description"] = $"{Docs.Of(type)}\n\n"
                + string.Join("\n", words.Select(value => $"- `{value.Word}`: {Docs.Of(type, value.Name)}")),
            ["enum"] = new JsonArray([.. words.Select(value => value.Word)]),
        };
    }

    private static bool IsNullable(PropertyInfo property) =>
        new NullabilityInfoContext().Create(property).ReadState == NullabilityState.Nullable;

    /// <summary>Null is never written: the property is left out.</summary>
    private static JsonObject WithoutNull(JsonObject schema)
    {
        if (schema["type"] is JsonArray types)
            schema["type"] = types.Single(type => type!.GetValue<string>() != "null")!.DeepClone();
        return schema;
    }

    private static JsonObject ProblemSchema() => (JsonObject)JsonNode.Parse(
        """
        {
          "type": "object",
          "description": "Why a call failed: problem details (RFC 9457).",
          "required": ["type", "title", "status"],
          "properties": {
            "type": { "type": "string", "format": "uri", "description": "The case. Programs compare it." },
            "title": { "type": "string", "description": "What happened." },
            "status": { "type": "integer", "format": "int32", "description": "The status of the answer." },
            "detail": { "type": "string", "description": "What to do." },
            "traceId": { "type": "string", "description": "The request, for the service's operator." },
            "jobs": {
              "type": "array", "items": { "$ref": "#/components/schemas/AcceptedJob" },
              "description": "The refused files, if no file of an upload can be used."
            },
            "links": {
              "$ref": "#/components/schemas/BatchLinks",
              "description": "Where the result is or will be, if the picture was accepted."
            },
            "reasons": {
              "type": "array", "items": { "type": "string" },
              "description": "What does not work, one sentence each."
            }
          }
        }
        """)!;
}
