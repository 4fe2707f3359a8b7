using System.Text;
using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Core.Registry;
using ImageClassifier.Host.Models;
using Xunit;

namespace ImageClassifier.Tests.Models;

/// <summary>The entries of the catalogue, and the list of ImageNet's classes.</summary>
public sealed class ModelCatalogueSpecs
{
    public static TheoryData<string> Names => [.. ModelCatalogue.Entries.Select(entry => entry.Name)];

    [Fact]
    public void Names_are_unique_and_in_order()
    {
        string[] names = [.. ModelCatalogue.Entries.Select(entry => entry.Name)];
        Assert.Equal(names.Distinct().Order(StringComparer.Ordinal), names);
        Assert.Equal(names.Length, ModelCatalogue.Entries.Select(entry => entry.Sha256).Distinct().Count());
        Assert.Equal(names.Length, ModelCatalogue.Entries.Select(entry => entry.Network).Distinct().Count());
        Assert.Null(ModelCatalogue.Find("none"));
    }

    // A changed entry would give users another network under the same name.
    [Fact]
    public void The_networks_are_those_of_the_model_zoo() =>
        Assert.Equal(
            [
                ("efficientnet-lite4", "efficientnet-lite4-11.onnx", 51_946_641,
                    "d111689907c06eea7c82e4833ddef758da6453b9d4cf60b7e99ca05c7cbd9c12"),
                ("mobilenetv2", "mobilenetv2-12.onnx", 13_964_571,
                    "c0c3f76d93fa3fd6580652a45618618a220fced18babf65774ed169de0432ad5"),
                ("mobilenetv2-int8", "mobilenetv2-12-int8.onnx", 3_655_033,
                    "cc028fe6cae7bc11a4ff53cfc9b79c920e8be65ce33a904ec3e2a8f66d77f95f"),
                ("resnet-18", "resnet18-v1-7.onnx", 46_820_737,
                    "4e8f8653e7a2222b3904cc3fe8e304cd8b339ce1d05fd24688162f86fb6df52c"),
                ("resnet-50", "resnet50-v1-12.onnx", 102_576_593,
                    "3f03fdef724b22947eed826f1eef1dc5c34151bb4c37d634f1db89dfa2dd1526"),
                ("shufflenet-v2", "shufflenet-v2-12.onnx", 9_218_556,
                    "ea69821b4dd374ae2f33f9710dd1229ac263d0ee5b5a46ca3521f6483e1ba035"),
                ("squeezenet", "squeezenet1.1-7.onnx", 4_956_208L,
                    "1eeff551a67ae8d565ca33b572fc4b66e3ef357b0eb2863bb9ff47a918cc4088"),
            ],
            ModelCatalogue.Entries.Select(entry =>
                (entry.Name, entry.Network.AbsolutePath.Split('/')[^1], entry.Bytes, entry.Sha256)));

    [Theory]
    [MemberData(nameof(Names))]
    public void An_entry_is_complete(string name)
    {
        var entry = ModelCatalogue.Find(name)!;
        Assert.True(ModelName.IsValid(entry.Name));
        Assert.Matches("^[0-9a-f]{64}$", entry.Sha256);
        Assert.InRange(entry.Bytes, 1_000_000, ModelInstaller.MaxNetworkBytes);
        Assert.Equal(("https", "github.com"), (entry.Network.Scheme, entry.Network.Host));
        Assert.Matches("/raw/[0-9a-f]{40}/.*[.]onnx$", entry.Network.AbsolutePath);
        Assert.Matches("/raw/[0-9a-f]{40}/.*/synset[.]txt$", entry.Labels.AbsolutePath);
        Assert.Contains(entry.License, new[] { "Apache-2.0", "BSD-3-Clause", "MIT" });
        Assert.NotEmpty(entry.About);

        var contract = ModelContract.Parse(entry.Contract);
        Assert.Equal(name, contract.Name);
        Assert.Equal((224, 224, 256), (contract.Input.Width, contract.Input.Height, contract.Input.Resize.ShorterSide));
    }

    [Fact]
    public void EfficientNet_takes_pixels_from_minus_1_to_1_with_the_channels_last_and_gives_probabilities()
    {
        var contract = ModelContract.Parse(ModelCatalogue.Find("efficientnet-lite4")!.Contract);
        Assert.Equal((TensorLayout.Nhwc, (0f, 255f)), (contract.Input.Layout, contract.Input.Range));
        Assert.Equal([127, 127, 127], contract.Input.Mean);
        Assert.Equal([128, 128, 128], contract.Input.Std);
        Assert.Equal(OutputKind.Probabilities, contract.Output.Kind);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void Labels_are_the_names_behind_the_identifiers(string lineEnd)
    {
        var labels = ImageNetLabels.Parse(Encoding.UTF8.GetBytes(string.Join(lineEnd, Synset.Lines) + lineEnd));
        Assert.Equal(1000, labels.Count);
        Assert.Equal("tench, Tinca tinca", labels[0]);
        Assert.Equal("class 7", labels[7]);
    }

    [Theory]
    [InlineData("<html>Sign in</html>", "1 lines")]
    [InlineData("", "1 lines")]
    public void Another_text_is_refused(string text, string clause) => AssertRefused([text], clause);

    [Fact]
    public void A_list_with_a_wrong_line_is_refused()
    {
        AssertRefused(Synset.Lines[..999], "999 lines");
        AssertRefused([.. Synset.Lines, "n99999999 more"], "1001 lines");
        AssertRefused(Synset.With(5, Synset.Lines[4]), "line 6 is out of order");
        AssertRefused(Synset.With(5, "goldfish"), "line 6 is not of the form");
        AssertRefused(Synset.With(5, "n01440769 "), "line 6 is not of the form");
        AssertRefused(Synset.With(0, "n01440700 roach"), "not those from n01440764");
        AssertRefused(Synset.With(999, "n15075142 paper"), "to n15075141");
    }

    [Fact]
    public void Text_in_another_encoding_is_refused() =>
        Assert.Contains("not UTF-8", Assert.Throws<FormatException>(() => ImageNetLabels.Parse([0xff, 0xfe])).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("a", true)]
    [InlineData("resnet-50.v1_2", true)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData(".unfinished", false)]
    [InlineData("a.", false)]
    [InlineData("a/b", false)]
    [InlineData("a\\b", false)]
    [InlineData("a\n", false)]
    [InlineData("A", false)]
    public void Names_are_no_paths(string text, bool isName) => Assert.Equal(isName, ModelName.IsValid(text));

    private static void AssertRefused(string[] lines, string clause) => Assert.Contains(
        clause, Assert.Throws<FormatException>(() => ImageNetLabels.Parse(Synset.Bytes(lines))).Message, StringComparison.Ordinal);
}

/// <summary>A list of classes like ImageNet's.</summary>
internal static class Synset
{
    public static string[] Lines { get; } =
    [
        "n01440764 tench, Tinca tinca",
        .. Enumerable.Range(1, 998).Select(i => $"n{1440764 + i:00000000} class {i}"),
        "n15075141 toilet tissue, toilet paper, bathroom tissue",
    ];

    public static byte[] Bytes(string[] lines) => Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n");

    public static string[] With(int index, string line)
    {
        string[] lines = [.. Lines];
        lines[index] = line;
        return lines;
    }
}
