using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Tests.Onnx;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

/// <summary>Finding a model on this machine by its hash.</summary>
public sealed class InstalledModelsSpecs
{
    [Fact]
    public void Models_of_the_data_folder_are_found_by_their_hash()
    {
        using var folder = new TemporaryFolder();
        using var model = new TestModel().Write();
        var layout = new EmbeddedLayout(folder.Path);
        Directory.CreateDirectory(Path.Combine(layout.Models, "empty"));
        var added = Path.Combine(layout.Models, "mine");
        Directory.CreateDirectory(added);
        foreach (var file in Directory.GetFiles(model.Path)) File.Copy(file, Path.Combine(added, Path.GetFileName(file)));
        var identity = ModelDirectory.Load(added).Identity;

        Assert.Equal(added, InstalledModels.FindFolder(identity, layout));
        Assert.Null(InstalledModels.FindFolder(identity, layout: null));
        Assert.Null(InstalledModels.FindFolder(identity with { Sha256 = new string('b', 64) }, layout));
    }

    [Fact]
    public void The_built_in_model_is_found_without_a_data_folder() => Assert.Equal(
        BuiltInModel.Folder,
        InstalledModels.FindFolder(ModelDirectory.Load(BuiltInModel.Folder).Identity, layout: null));
}
