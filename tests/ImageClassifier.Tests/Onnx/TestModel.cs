using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;

namespace ImageClassifier.Tests.Onnx;

/// <summary>
/// A model directory in its own folder. The network computes the mean of each colour channel, so a red picture is of
/// class <c>red</c>. Each part can be replaced before it is written.
/// </summary>
internal sealed class TestModel : IDisposable
{
    public const int Side = 8;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("image-classifier-model-");

    public string Path => _folder.FullName;

    public string Json { get; set; } = """
        { "name": "channels",
          "input": { "name": "input", "layout": "NCHW", "width": 8, "height": 8, "range": [0, 1],
                     "mean": [0, 0, 0], "std": [1, 1, 1], "resize": { "shorterSide": 8, "crop": "center" } },
          "output": { "name": "logits", "kind": "logits" } }
        """;

    public string Labels { get; set; } = "red\ngreen\nblue\n";

    /// <summary>The axes of the input; -1 for a free one.</summary>
    public long[] InputShape { get; set; } = [-1, 3, Side, Side];

    public int[] MeanOver { get; set; } = [2, 3];

    public OnnxElement Element { get; set; } = OnnxElement.Float;

    public OnnxElement OutputElement { get; set; } = OnnxElement.Float;

    /// <summary>True if the network ends with a softmax and so returns probabilities.</summary>
    public bool HasSoftmax { get; set; }

    /// <summary>True if the output keeps its axes of length 1: [N, 3, 1, 1].</summary>
    public bool KeepsAxes { get; set; }

    /// <summary>The file of weights by which the means are multiplied; null for none.</summary>
    public string? Weights { get; set; }

    /// <summary>The rows of a matrix by which the means are multiplied: a row for each channel, a column for each class.
    /// Null for none.</summary>
    public float[][]? Head { get; set; }

    /// <summary>The name of a second input; null for none.</summary>
    public string? SecondInput { get; set; }

    /// <summary>True if the second input has a default value.</summary>
    public bool SecondInputIsOptional { get; set; }

    public TestModel Write()
    {
        System.IO.File.WriteAllText(File("model.json"), Json);
        System.IO.File.WriteAllText(File("labels.txt"), Labels);
        System.IO.File.WriteAllBytes(File("model.onnx"), new OnnxGraph(this).Whole());
        return this;
    }

    /// <summary>Writes the network as two files: all up to the means, and the rest.</summary>
    public TestModel WriteParts(string first, string second)
    {
        Write();
        System.IO.File.Delete(File("model.onnx"));
        System.IO.File.WriteAllBytes(File(first), new OnnxGraph(this).Backbone());
        System.IO.File.WriteAllBytes(File(second), new OnnxGraph(this).Rest());
        return this;
    }

    /// <summary>Replaces a text of <c>model.json</c>, which must be there.</summary>
    public TestModel With(string text, string replacement)
    {
        Xunit.Assert.Contains(text, Json, StringComparison.Ordinal);
        Json = Json.Replace(text, replacement, StringComparison.Ordinal);
        return this;
    }

    /// <summary>Writes a sample picture of one colour.</summary>
    public TestModel WriteSample(string name, SkiaSharp.SKColor color)
    {
        Directory.CreateDirectory(File("samples"));
        using var picture = TestPictures.Plain(12, 10, color);
        System.IO.File.WriteAllBytes(File(System.IO.Path.Combine("samples", name)), TestPictures.Png(picture));
        return this;
    }

    /// <summary>Writes a file of weights: a factor for each class.</summary>
    public TestModel WriteWeights(params float[] factors)
    {
        System.IO.File.WriteAllBytes(File(Weights!), System.Runtime.InteropServices.MemoryMarshal.AsBytes(factors.AsSpan()));
        return this;
    }

    /// <summary>Replaces a file by a named pipe. Opening one waits for a writer.</summary>
    public TestModel MakePipe(string name)
    {
        System.IO.File.Delete(File(name));
        using var command = System.Diagnostics.Process.Start("mkfifo", [File(name)]);
        command.WaitForExit();
        Xunit.Assert.Equal(0, command.ExitCode);
        return this;
    }

    /// <summary>Writes a file of zeros that takes no room on the disk.</summary>
    public TestModel WriteZeros(string name, long length)
    {
        using var file = System.IO.File.Create(File(name));
        file.SetLength(length);
        return this;
    }

    public OnnxImageClassifier Load(int maxBatch = 4, long maxPixels = 1_000_000) =>
        OnnxImageClassifier.Load(new OnnxClassifierSettings(Path, maxBatch, 1, Limits(maxPixels)));

    /// <summary>Limits that a test's pictures normally do not reach.</summary>
    public static DecodingLimits Limits(long maxPixels) => new(maxPixels, 1 << 30, TimeSpan.FromMinutes(1));

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => _folder.Delete(recursive: true);
}
