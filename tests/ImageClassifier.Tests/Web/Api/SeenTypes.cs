namespace ImageClassifier.Tests.Web.Api;

/// <summary>The types that the generator met, by the names of their schemas.</summary>
internal sealed class SeenTypes
{
    private readonly Dictionary<string, Type> _types = [];

    public IReadOnlyDictionary<string, Type> ByName => _types;

    /// <summary>Whether the type has a schema with a name.</summary>
    public static bool IsOurs(Type type) =>
        type.FullName!.StartsWith($"{nameof(ImageClassifier)}.", StringComparison.Ordinal) && !type.IsArray;

    /// <summary>The name of a type's schema: that of the type without "Document".</summary>
    public static string NameOf(Type type)
    {
        var name = (Nullable.GetUnderlyingType(type) ?? type).Name;
        return name.EndsWith("Document", StringComparison.Ordinal) ? name[..^"Document".Length] : name;
    }

    public void Add(Type type)
    {
        var named = Nullable.GetUnderlyingType(type) ?? type;
        if (!IsOurs(named)) return;
        if (_types.TryGetValue(NameOf(named), out var other) && other != named)
            throw new InvalidOperationException($"{named} and {other} would have the same name in the description.");
        _types[NameOf(named)] = named;
    }
}
