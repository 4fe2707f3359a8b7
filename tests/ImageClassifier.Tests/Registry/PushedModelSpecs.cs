using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Registry;
using Xunit;

namespace ImageClassifier.Tests.Registry;

/// <summary>Names, lists and verdicts of models in the store. A document of someone else must not lead a node out of its
/// folder.</summary>
public sealed class PushedModelSpecs
{
    private const string Sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static readonly ModelReference Model = new("fruit", Sha256);

    [Theory]
    [InlineData("model.json", true)]
    [InlineData("samples/red-2.png", true)]
    [InlineData("samples/AC%2FDC.jpg", true)]
    [InlineData("weights/a b/ä.bin", true)]
    [InlineData("..a/b..", true)]
    [InlineData("", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("../model.json", false)]
    [InlineData("samples/../../model.json", false)]
    [InlineData("samples/..", false)]
    [InlineData("./model.json", false)]
    [InlineData("samples//a.png", false)]
    [InlineData("samples/", false)]
    [InlineData(@"..\model.json", false)]
    [InlineData("C:model.json", false)]
    [InlineData("C:/model.json", false)]
    [InlineData("a\0b", false)]
    [InlineData("a\nb", false)]
    public void A_path_stays_in_the_model_directory(string path, bool isValid) =>
        Assert.Equal(isValid, new PushedFile(path, 1, Sha256).IsValid);

    [Fact]
    public void A_path_has_at_most_500_characters()
    {
        Assert.True(new PushedFile(new string('a', 500), 1, Sha256).IsValid);
        Assert.False(new PushedFile(new string('a', 501), 1, Sha256).IsValid);
    }

    [Theory]
    [InlineData(0, Sha256, true)]
    [InlineData(-1, Sha256, false)]
    [InlineData(1, "0123", false)]
    [InlineData(1, null, false)]
    [InlineData(1, "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", false)]
    [InlineData(1, "../../../../../../../../../../../../../../../../../../../../../a", false)]
    public void A_file_has_a_size_and_a_hash(long size, string? sha256, bool isValid) =>
        Assert.Equal(isValid, new PushedFile("a", size, sha256!).IsValid);

    [Theory]
    [InlineData("fruit", true)]
    [InlineData("resnet-50_v1.5", true)]
    [InlineData("a", true)]
    [InlineData("", false)]
    [InlineData("Fruit", false)]
    [InlineData(".fruit", false)]
    [InlineData("fruit.", false)]
    [InlineData("..", false)]
    [InlineData("a/b", false)]
    [InlineData("active.json", false)]
    [InlineData(null, false)]
    public void A_reference_has_a_models_name(string? name, bool isValid) =>
        Assert.Equal(isValid, new ModelReference(name!, Sha256).IsValid);

    [Theory]
    [InlineData("fruit@" + Sha256, true)]
    [InlineData("fruit", false)]
    [InlineData("fruit@0123456789", false)]
    [InlineData("@" + Sha256, false)]
    [InlineData("fruit@" + Sha256 + "@", false)]
    [InlineData("../fruit@" + Sha256, false)]
    public void A_reference_is_parsed_from_its_text(string text, bool isValid)
    {
        Assert.Equal(isValid, ModelReference.TryParse(text, out var reference));
        Assert.Equal(isValid ? text : null, reference?.ToString());
    }

    [Fact]
    public void A_list_belongs_to_its_key_and_has_sound_files()
    {
        PushedFile[] files = [new("model.json", 10, Sha256), new("model.onnx", 0, Sha256)];
        var list = new PushedModel(Model, 3, files);
        var key = RegistryKeys.Files(Model);

        Assert.True(WireJson.TryRead<PushedModel>(WireJson.Write(list))!.IsWholeAt(key));
        Assert.False(list.IsWholeAt(RegistryKeys.Files(Model with { Name = "other" })));
        Assert.False((list with { Classes = 0 }).IsWholeAt(key));
        Assert.False((list with { Files = [] }).IsWholeAt(key));
        Assert.False((list with { Files = null! }).IsWholeAt(key));
        Assert.False((list with { Files = [files[0], null!] }).IsWholeAt(key));
        Assert.False((list with { Files = [files[0], files[0]] }).IsWholeAt(key));
        Assert.False((list with { Files = [files[0], files[1] with { Path = "../model.onnx" }] }).IsWholeAt(key));
        Assert.False((list with { Files = Many(PushedModel.MostFiles + 1) }).IsWholeAt(key));
        Assert.True((list with { Files = Many(PushedModel.MostFiles) }).IsWholeAt(key));

        static PushedFile[] Many(int count) => [.. Enumerable.Range(0, count).Select(i => new PushedFile($"{i}", 1, Sha256))];
    }

    [Fact]
    public void A_verdict_has_a_reason_exactly_if_it_is_a_refusal()
    {
        var (key, node) = (RegistryKeys.Verdict(Model), InstanceId.Parse("node-1"));
        Assert.True(new ModelVerdict(true, null, node).IsWholeAt(key));
        Assert.True(new ModelVerdict(false, "its samples fail", node).IsWholeAt(key));
        Assert.False(new ModelVerdict(true, "why", node).IsWholeAt(key));
        Assert.False(new ModelVerdict(false, null, node).IsWholeAt(key));
        Assert.False(new ModelVerdict(true, null, default).IsWholeAt(key));
    }
}
