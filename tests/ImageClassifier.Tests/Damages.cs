using System.Text;
using System.Text.RegularExpressions;
using ImageClassifier.Core;
using Xunit;

namespace ImageClassifier.Tests;

/// <summary>Damages of a stored document: written by another program, or cut off.</summary>
internal static partial class Damages
{
    private const int Large = 2 << 20;

    private static readonly Dictionary<string, Func<string, byte[]>> All = new()
    {
        ["no bytes"] = _ => [],
        ["zeros"] = whole => new byte[whole.Length],
        ["garbage"] = _ => [0xFF, 0x00, 0xC3, 0x28, 0x7B, 0x80],
        ["text"] = _ => Utf8("<html>404</html>"),
        ["null"] = _ => Utf8("null"),
        ["{}"] = _ => Utf8("{}"),
        ["[]"] = _ => Utf8("[]"),
        ["number"] = _ => Utf8("1"),
        ["cut off"] = whole => Utf8(whole[..^3]),
        ["cut off early"] = whole => Utf8(whole[..(whole.Length / 3)]),
        ["followed by more"] = whole => Utf8(whole + "}"),
        ["UTF-16"] = Encoding.Unicode.GetBytes,
        ["numbers for ids"] = whole => Utf8(Id().Replace(whole, "1").Replace("\"1\"", "1", StringComparison.Ordinal)),
        ["half a character"] = whole => Utf8(Id().Replace(whole, "\\ud800")),
        ["nulls"] = whole => Utf8(Text().Replace(whole, ":null")),
        ["numbers too large"] = whole => Utf8(Number().IsMatch(whole) ? Number().Replace(whole, ":1e999") : "[1e999]"),
        ["another's"] = whole => Utf8(Id().Replace(whole, _ => JobId.New().Value)),
        ["deep"] = _ => Utf8(new string('[', 10_000)),
        ["huge"] = whole => Utf8(whole + new string('x', Large)),
    };

    /// <summary>The names of the damages.</summary>
    public static TheoryData<string> Names
    {
        get
        {
            var names = new TheoryData<string>();
            foreach (var name in All.Keys) names.Add(name);
            return names;
        }
    }

    /// <summary>A damaged document.</summary>
    public static byte[] Of(string damage, string whole) => All[damage](whole);

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex Id();

    [GeneratedRegex(":-?[0-9][0-9.eE+-]*")]
    private static partial Regex Number();

    [GeneratedRegex(":\"[^\"]*\"")]
    private static partial Regex Text();
}
