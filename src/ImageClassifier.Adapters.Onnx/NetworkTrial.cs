using System.Globalization;
using ImageClassifier.Adapters.Onnx.Contract;
using Microsoft.ML.OnnxRuntime;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Runs a network when it is loaded, and compares its output with its contract. Some graphs only then show
/// that they take no batches. <c>model.json</c> may also give the wrong meaning of the numbers.</summary>
internal sealed class NetworkTrial(InferenceSession session, ModelDirectory model)
{
    // No real logits add up so close to 1 on all trial pictures.
    private const double CertainlyProbabilities = 1e-3;

    /// <summary>Runs the network on the trial pictures: two at a time if it takes batches.</summary>
    /// <returns>The shape of the output for the pictures of one run.</returns>
    /// <exception cref="Core.InvalidSettingException">The network fails, or breaks its contract.</exception>
    public long[] Run(int maxBatch)
    {
        var input = model.Contract.Input;
        var together = Math.Min(maxBatch, 2);
        var tensor = new float[together * input.Length];
        var numbers = new List<float[]>();
        long[] shape = [];
        for (var first = 0; first < TrialPictures.Names.Count; first += together)
        {
            for (var i = 0; i < together; i++)
                TrialPictures.Write(first + i, input, tensor.AsSpan(i * input.Length, input.Length));
            shape = Run(tensor, together, numbers);
        }

        CheckNumbers(numbers);
        return shape;
    }

    private long[] Run(float[] tensor, int pictures, List<float[]> numbers)
    {
        var (input, output) = (model.Contract.Input, model.Contract.Output);
        using var options = new RunOptions();
        using var value = OrtValue.CreateTensorValueFromMemory(tensor, input.Shape(pictures));
        try
        {
            using var outputs = session.Run(options, [input.Name], [value], [output.Name]);
            var shape = outputs[0].GetTensorTypeAndShape().Shape;
            // The shape is [N, classes]. Some frameworks add axes of length 1.
            var isList = shape.Skip(1).Count(length => length != 1) == 1;
            if (!isList || shape[0] != pictures)
            {
                throw model.Defect($"the model's output {output.Name} is [{string.Join(", ", shape)}] for "
                    + $"{pictures} pictures, but must be [{pictures}, classes]");
            }

            var all = outputs[0].GetTensorDataAsSpan<float>();
            var classes = all.Length / pictures;
            if (classes != model.Labels.Count)
            {
                throw model.Defect($"labels.txt names {model.Labels.Count} classes, but the model has {classes}; "
                    + "labels.txt needs a line for each class");
            }

            for (var i = 0; i < pictures; i++) numbers.Add(all.Slice(i * classes, classes).ToArray());
            return shape;
        }
        catch (OnnxRuntimeException failure)
        {
            throw model.Defect(
                $"a trial run of the model on {pictures} pictures failed: {NetworkSession.FirstLine(failure)}", failure);
        }
    }

    private void CheckNumbers(List<float[]> numbers)
    {
        for (var i = 0; i < numbers.Count; i++)
        {
            if (Array.FindIndex(numbers[i], number => !float.IsFinite(number)) is var at and >= 0)
            {
                var number = numbers[i][at].ToString(CultureInfo.InvariantCulture);
                throw model.Defect($"for a trial picture ({TrialPictures.Names[i]}) the model gives class {at} the number "
                    + $"{number}; export it again, or correct input.range, input.mean and input.std in model.json");
            }

            if (model.Contract.Output.Kind == OutputKind.Probabilities && Distribution.Fault(numbers[i]) is { } fault)
            {
                throw model.Defect("model.json says output.kind is probabilities, but for a trial picture "
                    + $"({TrialPictures.Names[i]}) {fault}; without a softmax at its end, set kind to logits");
            }
        }

        var lookLikeProbabilities = numbers.TrueForAll(
            picture => Distribution.Fault(picture, CertainlyProbabilities) is null);
        if (model.Contract.Output.Kind == OutputKind.Logits && lookLikeProbabilities)
        {
            throw model.Defect("model.json says output.kind is logits, but the model already gives probabilities: for "
                + "each trial picture its numbers add up to 1, and a second softmax would make all nearly equal; "
                + "set kind to probabilities");
        }
    }
}
