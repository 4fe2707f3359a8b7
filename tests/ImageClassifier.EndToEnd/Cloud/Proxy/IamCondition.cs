using System.IO.Enumeration;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>A condition of a statement: the value of a key must match one of some values, or be absent.</summary>
internal sealed class IamCondition
{
    private const string IfExists = "IfExists";

    private readonly string _key;
    private readonly IReadOnlyList<string> _values;
    private readonly Func<string, string, bool> _matches;
    private readonly bool _holdsWithoutValue;
    private readonly bool _holdsWithValue = true;

    /// <summary>Creates a condition.</summary>
    /// <exception cref="NotModelledException">These tests do not know the operator or the key.</exception>
    public IamCondition(string name, string key, IReadOnlyList<string> values)
    {
        if (!ConditionKeys.IsKnown(key)) throw new NotModelledException($"the condition key {key}");
        _key = key;
        _values = values;
        if (name == "Null")
        {
            // "true" demands that the key is absent, "false" that it is there.
            _holdsWithoutValue = values.Contains("true");
            _holdsWithValue = values.Contains("false");
            _matches = (_, _) => true;
            return;
        }

        _holdsWithoutValue = name.EndsWith(IfExists, StringComparison.Ordinal);
        _matches = (_holdsWithoutValue ? name[..^IfExists.Length] : name) switch
        {
            "StringEquals" => (pattern, value) => pattern == value,
            "StringLike" or "ArnEquals" or "ArnLike" => (pattern, value) =>
                FileSystemName.MatchesSimpleExpression(pattern, value, ignoreCase: false),
            "Bool" => (pattern, value) => string.Equals(pattern, value, StringComparison.OrdinalIgnoreCase),
            _ => throw new NotModelledException($"the condition operator {name}"),
        };
    }

    public bool Holds(IReadOnlyDictionary<string, string> context) =>
        context.TryGetValue(_key, out var value)
            ? _holdsWithValue && _values.Any(pattern => _matches(pattern, value))
            : _holdsWithoutValue;
}
