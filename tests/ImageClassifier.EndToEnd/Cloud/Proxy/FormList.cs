using System.Globalization;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>Lists of the query protocol: <c>InstanceId.1=i-…&amp;InstanceId.2=i-…</c>.</summary>
internal static class FormList
{
    /// <summary>The values of a list of texts.</summary>
    public static IReadOnlyList<string> Many(this IReadOnlyDictionary<string, string> form, string name) =>
        [.. form.Prefixes(name).Select(prefix => form[prefix])];

    /// <summary>The prefixes of the fields of each entry in a list: <c>TagSpecification.1</c>.</summary>
    public static IReadOnlyList<string> Prefixes(this IReadOnlyDictionary<string, string> form, string name) =>
    [
        .. Enumerable.Range(1, form.Count)
            .Select(number => string.Create(CultureInfo.InvariantCulture, $"{name}.{number}"))
            .TakeWhile(prefix => form.Keys.Any(key =>
                key == prefix || key.StartsWith($"{prefix}.", StringComparison.Ordinal))),
    ];

    /// <summary>The tags of the resources that a call creates, by resource type.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Tags(
        this IReadOnlyDictionary<string, string> form) => form.Prefixes("TagSpecification").ToDictionary(
            specification => form[$"{specification}.ResourceType"],
            specification => (IReadOnlyDictionary<string, string>)form.Prefixes($"{specification}.Tag")
                .ToDictionary(tag => form[$"{tag}.Key"], tag => form.GetValueOrDefault($"{tag}.Value") ?? ""));
}
