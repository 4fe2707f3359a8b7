using System.Text.Json.Nodes;
using ImageClassifier.Testing;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>A copy of the small model in a folder that a test may change.</summary>
internal sealed class CopiedModel : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("image-classifier-model-");

    public CopiedModel() => CopyTo(Path);

    public string Path => _folder.FullName;

    /// <summary>The setting that names this model.</summary>
    public string Setting => $"node.classification.model={Path}";

    /// <summary>Copies the small model into a new or empty folder.</summary>
    public static void CopyTo(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.EnumerateFiles(SmallModel.Folder))
            File.Copy(file, System.IO.Path.Combine(folder, System.IO.Path.GetFileName(file)));
    }

    /// <summary>Changes the model to another one.</summary>
    public void Rename(string name)
    {
        var file = System.IO.Path.Combine(Path, "model.json");
        var contract = JsonNode.Parse(File.ReadAllText(file))!;
        contract["name"] = name;
        File.WriteAllText(file, contract.ToJsonString());
    }

    /// <summary>Removes the network, like an interrupted update.</summary>
    public void HideNetwork() => File.Move(Network, $"{Network}.hidden");

    /// <summary>Restores the network.</summary>
    public void ShowNetwork() => File.Move($"{Network}.hidden", Network);

    public void Dispose() => _folder.Delete(recursive: true);

    private string Network => System.IO.Path.Combine(Path, "model.onnx");
}
