using System.Runtime.InteropServices;
using System.Text;

namespace ImageClassifier.Tests.Onnx;

internal enum OnnxElement
{
    Float = 1,
    Byte = 2,
    Half = 10,
    Double = 11,
}

/// <summary>Writes the protocol buffers of a test model's graph: the means of the channels, and what the model asks for
/// after them.</summary>
internal sealed class OnnxGraph(TestModel model)
{
    private const int Floats = 1, Ints = 7, OneInt = 2;

    private int Classes => model.Head?[0].Length ?? 3;

    /// <summary>The network in one file.</summary>
    public byte[] Whole() => Model(Bytes(7, [.. BackboneGraph(), .. RestGraph()]));

    /// <summary>The network up to the means.</summary>
    public byte[] Backbone() => Model(Bytes(7, BackboneGraph()));

    /// <summary>The rest of the network: only a graph.</summary>
    public byte[] Rest() => Bytes(7, RestGraph());

    /// <summary>A protocol buffer's field of bytes or text.</summary>
    public static byte[] Bytes(int field, byte[] content) =>
        [.. Varint((ulong)(field << 3 | 2)), .. Varint((ulong)content.Length), .. content];

    public static byte[] Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    public static byte[] Number(int field, long value) => [.. Varint((ulong)(field << 3)), .. Varint((ulong)value)];

    /// <summary>A node without attributes.</summary>
    public static byte[] Operator(string name, string[] inputs, string output) =>
        [.. inputs.SelectMany(input => Text(1, input)), .. Text(2, output), .. Text(4, name)];

    /// <summary>The declaration of an input or output.</summary>
    public static byte[] Value(string name, long[] shape, OnnxElement element)
    {
        var axes = shape.SelectMany(length => Bytes(1, length < 0 ? Text(2, "N") : Number(1, length)));
        byte[] tensor = [.. Number(1, (long)element), .. Bytes(2, [.. axes])];
        return [.. Text(1, name), .. Bytes(2, Bytes(1, tensor))];
    }

    private static byte[] Model(byte[] graph) => [.. Number(1, 8), .. graph, .. Bytes(8, Number(2, 13))];

    private byte[] BackboneGraph()
    {
        byte[] axes = [.. Text(1, "axes"), .. model.MeanOver.SelectMany(axis => Number(8, axis)), .. Number(20, Ints)];
        byte[] keep = [.. Text(1, "keepdims"), .. Number(3, model.KeepsAxes ? 1 : 0), .. Number(20, OneInt)];
        var isFloat = model.Element is OnnxElement.Float or OnnxElement.Double;
        var mean = Operator("ReduceMean", [isFloat ? "input" : "floats"], "means");
        return
        [
            .. isFloat ? [] : Bytes(1, Cast("input", "floats", OnnxElement.Float)),
            .. Bytes(1, [.. mean, .. Bytes(5, axes), .. Bytes(5, keep)]),
            .. Text(2, "channels"),
            .. Bytes(11, Value("input", model.InputShape, model.Element)),
        ];
    }

    private byte[] RestGraph()
    {
        var graph = new List<byte>();
        var last = "means";
        if (model.Weights is not null)
        {
            graph.AddRange(Bytes(5, ExternalTensor("weights", 3, model.Weights)));
            Add("Mul", "weighted", "weights");
        }

        if (model.Head is not null)
        {
            graph.AddRange(Bytes(5, Tensor("head", [3, Classes], [.. model.Head.SelectMany(row => row)])));
            Add("MatMul", "classes", "head");
        }

        if (model.SecondInput is { } second)
        {
            if (model.SecondInputIsOptional) graph.AddRange(Bytes(5, Tensor(second, [1], [1])));
            Add("Mul", "scaled", second);
            graph.AddRange(Bytes(11, Value(second, [1], OnnxElement.Float)));
        }

        if (model.HasSoftmax) Add("Softmax", "softmax");
        graph.AddRange(Bytes(1, model.OutputElement == OnnxElement.Float
            ? Operator("Identity", [last], "logits")
            : Cast(last, "logits", model.OutputElement)));
        long[] shape = model.KeepsAxes ? [model.InputShape[0], Classes, 1, 1] : [model.InputShape[0], Classes];
        var element = model.Element == OnnxElement.Double ? OnnxElement.Double : model.OutputElement;
        graph.AddRange(Bytes(12, Value("logits", shape, element)));
        return [.. graph];

        void Add(string name, string output, params string[] others)
        {
            graph.AddRange(Bytes(1, Operator(name, [last, .. others], output)));
            last = output;
        }
    }

    private static byte[] Cast(string input, string output, OnnxElement element)
    {
        byte[] to = [.. Text(1, "to"), .. Number(3, (long)element), .. Number(20, OneInt)];
        return [.. Operator("Cast", [input], output), .. Bytes(5, to)];
    }

    private static byte[] Tensor(string name, long[] shape, float[] numbers) =>
    [
        .. shape.SelectMany(length => Number(1, length)), .. Number(2, Floats), .. Text(8, name),
        .. Bytes(9, MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray()),
    ];

    private static byte[] ExternalTensor(string name, int length, string file) =>
    [
        .. Number(1, length), .. Number(2, Floats), .. Text(8, name),
        .. Bytes(13, [.. Text(1, "location"), .. Text(2, file)]),
        .. Bytes(13, [.. Text(1, "length"), .. Text(2, $"{length * sizeof(float)}")]),
        .. Number(14, 1),
    ];

    private static IEnumerable<byte> Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) yield return (byte)(value | 0x80);
        yield return (byte)value;
    }
}
