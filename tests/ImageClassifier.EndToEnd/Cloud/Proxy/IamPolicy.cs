using System.IO.Enumeration;
using System.Text.Json;
using System.Text.RegularExpressions;
using ImageClassifier.Testing;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>A policy of <c>deploy/iam</c>, evaluated like IAM: a call needs a statement that allows it. It supports
/// only the parts of IAM's language that those policies use.</summary>
internal sealed partial class IamPolicy
{
    private const string UserName = "somebody";
    private const string UserId = "somebodys-id";

    private readonly IReadOnlyList<Statement> _statements;

    private IamPolicy(IReadOnlyList<Statement> statements) => _statements = statements;

    /// <summary>Reads all policies of a role, and fills in their placeholders in capitals.</summary>
    /// <exception cref="NotModelledException">These tests do not know a part of the policy, or a placeholder has no
    /// value.</exception>
    public static IamPolicy Load(IEnumerable<string> names, IReadOnlyDictionary<string, string> words) => new(
    [
        .. names.Select(name => Path.Combine(Repository.Root, "deploy", "iam", $"{name}.json"))
            .SelectMany(file => Parse(File.ReadAllText(file), words)._statements),
    ]);

    /// <summary>Reads the text of one policy.</summary>
    public static IamPolicy Parse(string json, IReadOnlyDictionary<string, string> words)
    {
        using var document = JsonDocument.Parse(json);
        return new IamPolicy(
        [
            .. document.RootElement.GetProperty("Statement").EnumerateArray()
                .Select(statement => ReadStatement(statement, words)),
        ]);
    }

    /// <summary>True if a statement allows the call and none denies it.</summary>
    public bool Allows(NeededPermission needed)
    {
        var matching = _statements.Where(statement => statement.Matches(needed)).ToArray();
        return matching.Length > 0 && matching.All(statement => statement.IsAllow);
    }

    private static Statement ReadStatement(JsonElement json, IReadOnlyDictionary<string, string> words)
    {
        foreach (var property in json.EnumerateObject())
        {
            if (property.Name is not ("Sid" or "Effect" or "Action" or "Resource" or "Condition"))
                throw new NotModelledException($"{property.Name} in a statement");
        }

        return new Statement(
            json.GetProperty("Effect").GetString() switch
            {
                "Allow" => true,
                "Deny" => false,
                var effect => throw new NotModelledException($"the effect {effect}"),
            },
            Texts(json.GetProperty("Action")),
            [.. Texts(json.GetProperty("Resource")).Select(text => Fill(text, words))],
            json.TryGetProperty("Condition", out var conditions) ? ReadConditions(conditions, words) : []);
    }

    private static IReadOnlyList<IamCondition> ReadConditions(
        JsonElement json, IReadOnlyDictionary<string, string> words) =>
    [
        .. from operation in json.EnumerateObject()
           from key in operation.Value.EnumerateObject()
           select new IamCondition(
               operation.Name, key.Name, [.. Texts(key.Value).SelectMany(text => Fill(text, words).Split(','))]),
    ];

    private static IReadOnlyList<string> Texts(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array
            ? [.. json.EnumerateArray().Select(entry => entry.GetString()!)]
            : [json.GetString()!];

    private static string Fill(string text, IReadOnlyDictionary<string, string> words)
    {
        var own = text.Replace("${aws:username}", UserName, StringComparison.Ordinal)
            .Replace("${aws:userid}", UserId, StringComparison.Ordinal);
        if (own.Contains("${", StringComparison.Ordinal)) throw new NotModelledException($"the variable in {text}");
        return Word().Replace(own, match => words.TryGetValue(match.Value, out var value)
            ? value
            : throw new NotModelledException($"the word {match.Value}"));
    }

    [GeneratedRegex(@"\b[A-Z][A-Z_]{2,}\b")]
    private static partial Regex Word();

    private sealed record Statement(
        bool IsAllow,
        IReadOnlyList<string> Actions,
        IReadOnlyList<string> Resources,
        IReadOnlyList<IamCondition> Conditions)
    {
        public bool Matches(NeededPermission needed) =>
            Actions.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, needed.Action))
            && Resources.Any(pattern =>
                FileSystemName.MatchesSimpleExpression(pattern, needed.Resource, ignoreCase: false))
            && Conditions.All(condition => condition.Holds(needed.Context));
    }
}
