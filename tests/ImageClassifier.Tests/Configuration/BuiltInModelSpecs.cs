using System.Text.RegularExpressions;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core.Messages;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Models;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

/// <summary>The model that comes with the program, and what the page says about it.</summary>
public sealed partial class BuiltInModelSpecs
{
    private static readonly string Folder =
        Path.GetFullPath(ProgramSettings.DefaultOf(ModelDirectory.SettingKey), AppContext.BaseDirectory);

    [Fact]
    public void Its_hash_is_known_whatever_model_is_used() =>
        Assert.Equal(
            ModelDirectory.Load(Folder).Identity.Sha256, BuiltInModel.FindSha256(Path.GetTempPath(), inUse: null));

    [Fact]
    public void A_hash_that_is_known_is_not_computed_again() =>
        Assert.Equal("known", BuiltInModel.FindSha256(Folder, new ModelIdentity("m", "known")));

    [Fact]
    public void The_page_names_a_larger_model_of_the_catalogue()
    {
        Assert.NotNull(ModelCatalogue.Find(Added().Match(Page).Groups[1].Value));
    }

    [Fact]
    public void The_page_names_the_whole_command_of_a_training_and_the_way_of_a_model_to_running_nodes()
    {
        Assert.Contains("image-classifier train FOLDER --out DIR", Page, StringComparison.Ordinal);
        Assert.Contains(
            "<code>image-classifier models push</code> and <code>models activate</code>", Page, StringComparison.Ordinal);
    }

    private static string Page =>
        File.ReadAllText(Path.Combine(Repository.Root, "src", "ImageClassifier.Web", "Page", "index.html"));

    [GeneratedRegex(@"image-classifier models add ([a-z0-9-]+)")]
    private static partial Regex Added();
}
