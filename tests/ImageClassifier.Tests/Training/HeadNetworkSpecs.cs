using ImageClassifier.Adapters.Onnx.Backbones;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace ImageClassifier.Tests.Training;

public sealed class HeadNetworkSpecs
{
    [Fact]
    public void The_head_behind_a_backbone_gives_the_logits_of_its_weights()
    {
        var head = Head([[1, 2, 0, -1], [0.5f, 0, 0.25f, 3], [0, 0, 0, 0]], [0.125f, -1, 7]);
        // The norm is 5.
        var logits = Run(head, [3, 0, 4, 0]);
        float[] expected = [0.6f + 0.125f, 0.3f + 0.2f - 1, 7];
        Assert.All(expected.Zip(logits), logit => Assert.Equal(logit.First, logit.Second, 1e-5));
    }

    [Fact]
    public void Features_that_are_all_zero_give_the_biases() =>
        Assert.Equal([1, 2], Run(Head([[1, 1], [1, 1]], [1, 2]), [0, 0]));

    private static HeadWeights Head(float[][] weights, float[] bias) =>
        new([.. weights.Select(row => Array.ConvertAll(row, weight => (Half)weight))], bias);

    private static float[] Run(HeadWeights head, float[] features)
    {
        using var session = new InferenceSession([.. Identity(features.Length), .. HeadNetwork.Write(head)]);
        Assert.Equal(["features"], session.InputMetadata.Keys);
        using var input = OrtValue.CreateTensorValueFromMemory(features, [1, features.Length, 1, 1]);
        using var options = new RunOptions();
        using var outputs = session.Run(options, ["features"], [input], [HeadNetwork.OutputName]);
        Assert.Equal([1, head.Bias.Count], outputs[0].GetTensorTypeAndShape().Shape);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    /// <summary>A network that returns its input, with the version and the operator set of the real backbone.</summary>
    private static byte[] Identity(int features)
    {
        var identity = new MessageWriter()
            .Text(1, "features").Text(2, Backbone.OutputName).Text(4, "Identity");
        var graph = new MessageWriter()
            .Message(1, identity).Text(2, "graph")
            .Message(11, Tensor("features", features))
            .Message(12, Tensor(Backbone.OutputName, features));
        return new MessageWriter().Number(1, 3).Message(7, graph).Message(8, new MessageWriter().Number(2, 8)).ToArray();
    }

    private static MessageWriter Tensor(string name, int features)
    {
        var shape = new MessageWriter();
        foreach (var length in new[] { 1, features, 1, 1 }) shape.Message(1, new MessageWriter().Number(1, length));
        var type = new MessageWriter().Number(1, 1).Message(2, shape);
        return new MessageWriter().Text(1, name).Message(2, new MessageWriter().Message(1, type));
    }
}
