using System.Text.Encodings.Web;
using System.Text.Json;

namespace ImageClassifier.Adapters.Onnx.Backbones;

/// <summary>Writes the backbone and a head as a model directory.</summary>
public static class TrainedModel
{
    /// <summary>The name of the head's file.</summary>
    public const string HeadFile = "head.onnx";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        // The name of a model keeps its letters.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes the network's parts, the backbone's licence, <c>labels.txt</c> and <c>model.json</c> into an
    /// existing folder, so that the folder alone is the model.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">The name of the model in results.</param>
    /// <param name="labels">The names of the classes, none with a line break.</param>
    /// <param name="head">The head.</param>
    public static void Write(string folder, string name, IReadOnlyList<string> labels, HeadWeights head)
    {
        foreach (var file in new[] { Backbone.NetworkFile, Backbone.LicenceFile })
        {
            // Not File.Copy, which would also copy a read-only flag.
            using var source = File.OpenRead(Backbone.PathOf(file));
            using var target = File.Create(Path.Combine(folder, file));
            source.CopyTo(target);
        }

        File.WriteAllBytes(Path.Combine(folder, HeadFile), HeadNetwork.Write(head));
        File.WriteAllLines(Path.Combine(folder, ClassLabels.TextFile), labels);
        File.WriteAllText(Path.Combine(folder, ModelDirectory.ContractFile), Contract(name) + "\n");
    }

    private static string Contract(string name)
    {
        var input = Backbone.Input;
        return JsonSerializer.Serialize(
            new
            {
                name,
                parts = new[] { Backbone.NetworkFile, HeadFile },
                input = new
                {
                    name = input.Name,
                    layout = "NCHW",
                    channels = "BGR",
                    width = input.Width,
                    height = input.Height,
                    range = new[] { input.Range.Low, input.Range.High },
                    mean = input.Mean,
                    std = input.Std,
                    resize = new { shorterSide = input.Resize.ShorterSide, crop = "center", filter = "bilinear" },
                },
                output = new { name = HeadNetwork.OutputName, kind = "logits" },
            },
            Json);
    }
}
