using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.EndToEnd;

/// <summary>A model that no node could load stops the web tier before anyone can upload.</summary>
public sealed class WrongModelSpecs : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("image-classifier-");

    private string Model => Path.Combine(_folder.FullName, "model");

    public void Dispose() => _folder.Delete(recursive: true);

    [SkippableFact]
    public async Task A_Git_LFS_pointer_stops_the_start()
    {
        CopyModel();
        await File.WriteAllTextAsync(
            Path.Combine(Model, "model.onnx"), "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n");
        await AssertRefusedAsync("model.onnx is a Git LFS pointer", "git lfs pull");
    }

    [SkippableFact]
    public async Task A_wrong_number_of_labels_stops_the_start()
    {
        CopyModel();
        var labels = Path.Combine(Model, "labels.txt");
        await File.WriteAllLinesAsync(labels, (await File.ReadAllLinesAsync(labels))[1..]);
        await AssertRefusedAsync("labels.txt names 199 classes, but the model has 200", "a line for each class");
    }

    [SkippableFact]
    public async Task A_contract_that_calls_logits_probabilities_stops_the_start()
    {
        CopyModel();
        var contract = Path.Combine(Model, "model.json");
        var text = await File.ReadAllTextAsync(contract);
        await File.WriteAllTextAsync(
            contract, text.Replace("\"kind\": \"logits\"", "\"kind\": \"probabilities\"", StringComparison.Ordinal));
        await AssertRefusedAsync("model.json says output.kind is probabilities", "set kind to logits");
    }

    private async Task AssertRefusedAsync(string reason, string remedy)
    {
        var (exitCode, output, error) = await BuiltProgram.RunAsync(
            "web", "--data", Path.Combine(_folder.FullName, "data"), "--urls", "http://127.0.0.1:0",
            "--set", $"image-classifier.node.classification.model={Model}");

        Assert.Equal(2, exitCode);
        Assert.Empty(output);
        Assert.Contains(Model, error, StringComparison.Ordinal);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.Contains(remedy, error, StringComparison.Ordinal);
        Assert.Single(error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    private void CopyModel()
    {
        Directory.CreateDirectory(Model);
        foreach (var file in Directory.EnumerateFiles(SmallModel.Folder))
            File.Copy(file, Path.Combine(Model, Path.GetFileName(file)));
    }
}
