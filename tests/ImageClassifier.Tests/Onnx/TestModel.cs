using System.Text;
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

    /// <summary>True if the network ends with a softmax and so returns probabilities.</summary>
    public bool HasSoftmax { get; set; }

    /// <summary>The file of weights by which the means are multiplied; null for none.</summary>
    public string? Weights { get; set; }

    public TestModel Write()
    {
        System.IO.File.WriteAllText(File("model.json"), Json);
        System.IO.File.WriteAllText(File("labels.txt"), Labels);
        System.IO.File.WriteAllBytes(File("model.onnx"), OnnxGraph.MeanOver(MeanOver, InputShape, Element, Weights, HasSoftmax));
        return this;
    }

    /// <summary>Writes a file of weights: a factor for each class.</summary>
    public TestModel WriteWeights(params float[] factors)
    {
        System.IO.File.WriteAllBytes(File(Weights!), System.Runtime.InteropServices.MemoryMarshal.AsBytes(factors.AsSpan()));
        return this;
    }

    public OnnxImageClassifier Load(int maxBatch = 4, long maxPixels = 1_000_000) =>
        OnnxImageClassifier.Load(new OnnxClassifierSettings(Path, maxBatch, 1, Limits(maxPixels)));

    /// <summary>Limits that a test's pictures normally do not reach.</summary>
    public static DecodingLimits Limits(long maxPixels) => new(maxPixels, 1 << 30, TimeSpan.FromMinutes(1));

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => _folder.Delete(recursive: true);
}

internal enum OnnxElement
{
    Float = 1,
    Double = 11,
}

/// <summary>Writes the protocol buffers of a small ONNX graph: <c>logits = ReduceMean(input)</c>, optionally times
/// weights and with a softmax.</summary>
internal static class OnnxGraph
{
    public static byte[] MeanOver(
        int[] axes, long[] inputShape, OnnxElement element, string? weights = null, bool softmax = false)
    {
        string[] operators = [.. weights is null ? Array.Empty<string>() : ["Mul"], .. softmax ? ["Softmax"] : Array.Empty<string>()];
        string[] values = [.. operators.Select((_, at) => $"value{at}"), "logits"];
        byte[] axesAttribute =
            [.. Text(1, "axes"), .. axes.SelectMany(axis => Number(8, axis)), .. Number(20, 7)];
        byte[] keepAttribute = [.. Text(1, "keepdims"), .. Number(3, 0), .. Number(20, 2)];
        byte[] node =
        [
            .. Text(1, "input"), .. Text(2, values[0]), .. Text(4, "ReduceMean"),
            .. Bytes(5, axesAttribute), .. Bytes(5, keepAttribute),
        ];
        byte[] graph =
        [
            .. Bytes(1, node),
            .. operators.SelectMany((name, at) => Bytes(1, Operator(name, values[at], values[at + 1]))),
            .. Text(2, "channels"),
            .. weights is null ? [] : Bytes(5, ExternalTensor("weights", 3, weights)),
            .. Bytes(11, Value("input", inputShape, element)),
            .. Bytes(12, Value("logits", [inputShape[0], 3], element)),
        ];
        return [.. Number(1, 8), .. Bytes(7, graph), .. Bytes(8, Number(2, 13))];
    }

    private static byte[] Operator(string name, string input, string output) =>
        [.. Text(1, input), .. name == "Mul" ? Text(1, "weights") : [], .. Text(2, output), .. Text(4, name)];

    private static byte[] ExternalTensor(string name, int length, string file) =>
    [
        .. Number(1, length), .. Number(2, (long)OnnxElement.Float), .. Text(8, name),
        .. Bytes(13, [.. Text(1, "location"), .. Text(2, file)]),
        .. Bytes(13, [.. Text(1, "length"), .. Text(2, $"{length * sizeof(float)}")]),
        .. Number(14, 1),
    ];

    private static byte[] Value(string name, long[] shape, OnnxElement element)
    {
        var axes = shape.SelectMany(length => Bytes(1, length < 0 ? Text(2, "N") : Number(1, length)));
        byte[] tensor = [.. Number(1, (long)element), .. Bytes(2, [.. axes])];
        return [.. Text(1, name), .. Bytes(2, Bytes(1, tensor))];
    }

    private static byte[] Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Bytes(int field, byte[] content) =>
        [.. Varint((ulong)(field << 3 | 2)), .. Varint((ulong)content.Length), .. content];

    private static byte[] Number(int field, long value) => [.. Varint((ulong)(field << 3)), .. Varint((ulong)value)];

    private static IEnumerable<byte> Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) yield return (byte)(value | 0x80);
        yield return (byte)value;
    }
}
