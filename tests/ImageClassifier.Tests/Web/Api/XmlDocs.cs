using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace ImageClassifier.Tests.Web.Api;

/// <summary>The doc comments of the API's documents.</summary>
internal sealed partial class XmlDocs
{
    private readonly Dictionary<string, XElement> _members;

    public XmlDocs(params Assembly[] assemblies) => _members = assemblies
        .SelectMany(assembly => XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member"))
        // Generated code is in several assemblies.
        .DistinctBy(member => member.Attribute("name")!.Value)
        .ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>The summary of a type.</summary>
    public string Of(Type type) => Required(Text(Member(type)?.Element("summary")), type);

    /// <summary>The comment of a property, or of a record's parameter of that name.</summary>
    public string Of(PropertyInfo property)
    {
        var type = property.DeclaringType!;
        var parameter = Member(type)?.Elements("param")
            .FirstOrDefault(param => param.Attribute("name")?.Value == property.Name);
        var comment = parameter ?? _members.GetValueOrDefault($"P:{Id(type)}.{property.Name}")?.Element("summary");
        // Null is never written.
        return Null().Replace(
            Required(Text(comment), property), word => word.Value == "Null" ? "Absent" : "absent");
    }

    /// <summary>The comment of a value of an enumeration.</summary>
    public string Of(Type type, string value) =>
        Required(Text(_members.GetValueOrDefault($"F:{Id(type)}.{value}")?.Element("summary")), $"{type}.{value}");

    private static string Required(string? text, object of) =>
        text ?? throw new InvalidOperationException($"{of} needs a doc comment: the API's description has it.");

    private XElement? Member(Type type) => _members.GetValueOrDefault($"T:{Id(type)}");

    private static string Id(Type type) => type.FullName!.Replace('+', '.');

    private static string? Text(XElement? comment)
    {
        if (comment is null) return null;
        var words = comment.Nodes().Select(node => node switch
        {
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement { Name.LocalName: "paramref" } parameter => $"`{parameter.Attribute("name")!.Value}`",
            XElement element when element.Attribute("cref") is { Value: var to } => to[(to.LastIndexOf('.') + 1)..],
            _ => node.ToString(),
        });
        return Space().Replace(string.Concat(words), " ").Trim();
    }

    [GeneratedRegex(@"\b[Nn]ull\b")]
    private static partial Regex Null();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
