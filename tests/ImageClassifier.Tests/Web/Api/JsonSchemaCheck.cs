using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ImageClassifier.Tests.Web.Api;

/// <summary>Compares JSON with a schema, with the words of JSON Schema that the API's description uses. It is stricter in
/// one point: a property that the schema does not name is a fault.</summary>
internal sealed class JsonSchemaCheck(JsonObject document)
{
    /// <summary>The faults of a value; empty if there are none.</summary>
    public IReadOnlyList<string> FaultsOf(JsonNode? value, JsonNode schema) => [.. Check(value, schema, "$")];

    private IEnumerable<string> Check(JsonNode? value, JsonNode schema, string at)
    {
        if (schema["allOf"] is JsonArray parts)
        {
            // The first names all properties, and the others narrow some of them.
            return Check(value, parts[0]!, at)
                .Concat(parts.Skip(1).SelectMany(part => part!["properties"]!.AsObject())
                    .SelectMany(property => CheckValue(value?[property.Key], property.Value!, $"{at}.{property.Key}")));
        }

        return schema["$ref"] is { } reference
            ? Check(value, Resolve(reference.GetValue<string>()), at)
            : CheckValue(value, schema, at);
    }

    private IEnumerable<string> CheckValue(JsonNode? value, JsonNode schema, string at)
    {
        if (schema["type"] is { } type && !IsOf(value, type.GetValue<string>()))
            return [$"{at} is {value?.ToJsonString() ?? "null"}, not of the type {type}"];
        if (schema["enum"] is JsonArray words && !words.Any(word => JsonNode.DeepEquals(word, value)))
            return [$"{at} is {value?.ToJsonString()}, none of {words.ToJsonString()}"];
        if (schema["pattern"] is { } pattern && !Regex.IsMatch(value!.GetValue<string>(), pattern.GetValue<string>()))
            return [$"{at} is {value.ToJsonString()}, not of the form {pattern}"];
        if (schema["maximum"] is { } maximum
            && value!.GetValue<double>() is var number
            && (number < schema["minimum"]!.GetValue<double>() || number > maximum.GetValue<double>()))
            return [$"{at} is {number}, not between {schema["minimum"]} and {maximum}"];
        return value switch
        {
            JsonArray items => items.SelectMany((item, i) => Check(item, schema["items"]!, $"{at}[{i}]")),
            JsonObject properties => CheckProperties(properties, schema, at),
            _ => [],
        };
    }

    private IEnumerable<string> CheckProperties(JsonObject value, JsonNode schema, string at)
    {
        foreach (var name in schema["required"]?.AsArray() ?? new JsonArray())
        {
            if (!value.ContainsKey(name!.GetValue<string>())) yield return $"{at} lacks {name}";
        }

        foreach (var (name, property) in value)
        {
            if (schema["properties"]![name] is not { } described)
            {
                yield return $"{at} has {name}, which the schema does not name";
                continue;
            }

            foreach (var fault in Check(property, described, $"{at}.{name}")) yield return fault;
        }
    }

    private JsonNode Resolve(string reference) =>
        reference.TrimStart('#', '/').Split('/').Aggregate((JsonNode)document, (node, name) => node[name]!);

    private static bool IsOf(JsonNode? value, string type) => type switch
    {
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "string" => value?.GetValueKind() == JsonValueKind.String,
        "boolean" => value?.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
        "number" => value?.GetValueKind() == JsonValueKind.Number,
        "integer" => value?.GetValueKind() == JsonValueKind.Number && value.GetValue<JsonElement>().TryGetInt64(out _),
        _ => throw new NotSupportedException($"The type {type} is new."),
    };
}
