using System.Buffers.Binary;

namespace ImageClassifier.Adapters.Onnx.Backbones;

/// <summary>
/// Writes a head as the second part of a network. Its bytes follow those of the backbone, and together they are one ONNX
/// file: protobuf messages that follow each other are merged, so its nodes, weights and output are appended to the
/// backbone's. Version and operator set are the backbone's (8).
/// </summary>
internal static class HeadNetwork
{
    /// <summary>The name of the output with a logit for each class.</summary>
    public const string OutputName = "logits";

    // Field numbers and constants of onnx.proto.
    private const int ModelGraph = 7;
    private const int GraphNode = 1;
    private const int GraphInitializer = 5;
    private const int GraphOutput = 12;
    private const int NodeInput = 1;
    private const int NodeOutput = 2;
    private const int NodeType = 4;
    private const int NodeAttribute = 5;
    private const int AttributeName = 1;
    private const int AttributeInteger = 3;
    private const int AttributeType = 20;
    private const int IntegerAttribute = 2;
    private const int TensorDimension = 1;
    private const int TensorElement = 2;
    private const int TensorName = 8;
    private const int TensorBytes = 9;
    private const int Float = 1;
    private const int Float16 = 10;

    // These names are in no backbone.
    private const string Flat = "head_flat";
    private const string Unit = "head_unit";
    private const string Stored = "head_weights_16";
    private const string Weights = "head_weights";
    private const string Bias = "head_bias";

    /// <summary>The bytes of the head.</summary>
    public static byte[] Write(HeadWeights head)
    {
        var (classes, features) = (head.Weights.Count, head.Weights[0].Length);
        var graph = new MessageWriter()
            .Message(GraphNode, Node("Flatten", [Backbone.OutputName], Flat))
            .Message(GraphNode, Node("LpNormalization", [Flat], Unit, ("axis", 1), ("p", 2)))
            .Message(GraphNode, Node("Cast", [Stored], Weights, ("to", Float)))
            .Message(GraphNode, Node("Gemm", [Unit, Weights, Bias], OutputName, ("transB", 1)))
            .Message(GraphInitializer, Tensor(Stored, Float16, [classes, features], WeightBytes(head, features)))
            .Message(GraphInitializer, Tensor(Bias, Float, [classes], BiasBytes(head)))
            .Message(GraphOutput, Output(classes));
        return new MessageWriter().Message(ModelGraph, graph).ToArray();
    }

    private static MessageWriter Node(
        string type, string[] inputs, string output, params (string Name, long Value)[] attributes)
    {
        var node = new MessageWriter();
        foreach (var input in inputs) node.Text(NodeInput, input);
        node.Text(NodeOutput, output).Text(NodeType, type);
        foreach (var (name, value) in attributes)
        {
            node.Message(NodeAttribute, new MessageWriter()
                .Text(AttributeName, name)
                .Number(AttributeInteger, value)
                .Number(AttributeType, IntegerAttribute));
        }

        return node;
    }

    private static MessageWriter Tensor(string name, int element, long[] dimensions, byte[] values)
    {
        var tensor = new MessageWriter();
        foreach (var dimension in dimensions) tensor.Number(TensorDimension, dimension);
        return tensor.Number(TensorElement, element).Text(TensorName, name).Bytes(TensorBytes, values);
    }

    /// <summary>ValueInfoProto → TypeProto → Tensor → TensorShapeProto → Dimension.</summary>
    private static MessageWriter Output(int classes)
    {
        var shape = new MessageWriter()
            .Message(1, new MessageWriter().Number(1, 1))
            .Message(1, new MessageWriter().Number(1, classes));
        var tensor = new MessageWriter().Number(1, Float).Message(2, shape);
        return new MessageWriter().Text(1, OutputName).Message(2, new MessageWriter().Message(1, tensor));
    }

    // ONNX stores numbers with the low byte first.
    private static byte[] WeightBytes(HeadWeights head, int features)
    {
        var bytes = new byte[head.Weights.Count * features * sizeof(ushort)];
        for (var row = 0; row < head.Weights.Count; row++)
        {
            for (var i = 0; i < features; i++)
            {
                BinaryPrimitives.WriteHalfLittleEndian(
                    bytes.AsSpan((row * features + i) * sizeof(ushort)), head.Weights[row][i]);
            }
        }

        return bytes;
    }

    private static byte[] BiasBytes(HeadWeights head)
    {
        var bytes = new byte[head.Bias.Count * sizeof(float)];
        for (var i = 0; i < head.Bias.Count; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), head.Bias[i]);
        return bytes;
    }
}
