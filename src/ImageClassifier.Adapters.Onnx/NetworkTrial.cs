using System.Globalization;
using ImageClassifier.Adapters.Onnx.Contract;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Runs a network when it is loaded, and compares its output with its contract. Some graphs only then show
/// that they take no batches. <c>model.json</c> may also give the wrong meaning of the numbers.</summary>
internal sealed class NetworkTrial(InferenceSession session, NetworkForm form, ModelContract contract)
{
    // No real logits add up so close to 1 on all trial pictures.
    private const double CertainlyProbabilities = 1e-3;

    private readonly List<float[]> _numbers = [];
    private long[] _shape = [];

    /// <summary>The shape of the output for the pictures of one run.</summary>
    public long[] OutputShape => _shape;

    /// <summary>The number of classes.</summary>
    public int Classes => _numbers[0].Length;

    /// <summary>True if the numbers of each trial picture are probabilities beyond doubt.</summary>
    public bool GivesProbabilities =>
        _numbers.TrueForAll(picture => Distribution.Fault(picture, CertainlyProbabilities) is null);

    /// <summary>Runs the network on the trial pictures: two at a time, or as many as it always takes.</summary>
    /// <exception cref="ModelDefectException">The network fails, or its output is not a number for each
    /// class.</exception>
    public void Run(int maxBatch)
    {
        var input = contract.Input;
        var together = form.FixedBatch ?? Math.Min(maxBatch, 2);
        using var tensor = new PinnedTensor(together, input.Length, input.Shape, form.Input);
        for (var first = 0; first < TrialPictures.Names.Count; first += together)
        {
            for (var i = 0; i < together; i++)
                TrialPictures.Write((first + i) % TrialPictures.Names.Count, input, tensor.Row(i));
            tensor.Encode(together);
            Run(tensor.View(together), together);
        }
    }

    /// <summary>The faults of the numbers, as clauses.</summary>
    public IEnumerable<string> Faults()
    {
        var (kind, isFaulty) = (contract.Output.Kind, false);
        for (var i = 0; i < TrialPictures.Names.Count && !isFaulty; i++)
        {
            var (numbers, picture) = (_numbers[i], TrialPictures.Names[i]);
            if (Array.FindIndex(numbers, number => !float.IsFinite(number)) is var at and >= 0)
            {
                var number = numbers[at].ToString(CultureInfo.InvariantCulture);
                yield return $"for a trial picture ({picture}) the model gives class {at} the number {number}; export "
                    + "it again, or correct input.range, input.mean and input.std in model.json";
                isFaulty = true;
            }
            else if (kind == OutputKind.Probabilities && Distribution.Fault(numbers) is { } fault)
            {
                yield return $"model.json says output.kind is probabilities, but for a trial picture ({picture}) "
                    + $"{fault}; without a softmax at its end, set kind to logits";
                isFaulty = true;
            }
        }

        if (kind == OutputKind.Logits && GivesProbabilities)
        {
            yield return "model.json says output.kind is logits, but the model already gives probabilities: for each "
                + "trial picture its numbers add up to 1, and a second softmax would make all nearly equal; set kind to "
                + "probabilities";
        }
    }

    private void Run(OrtValue value, int pictures)
    {
        var name = contract.Output.Name;
        using var options = new RunOptions();
        try
        {
            using var outputs = session.Run(options, [contract.Input.Name], [value], [name]);
            _shape = outputs[0].GetTensorTypeAndShape().Shape;
            // The shape is [N, classes]. Some frameworks add axes of length 1.
            var isList = _shape.Skip(1).Count(length => length != 1) == 1;
            if (!isList || _shape[0] != pictures)
            {
                throw new ModelDefectException($"the model's output {name} is [{string.Join(", ", _shape)}] for "
                    + $"{pictures} pictures, but must be [{pictures}, classes]");
            }

            var all = Floats(outputs[0]);
            foreach (var numbers in all.Chunk(all.Length / pictures)) _numbers.Add(numbers);
        }
        catch (OnnxRuntimeException failure)
        {
            throw new ModelDefectException(
                $"a trial run of the model on {pictures} pictures failed: {NetworkFile.FirstLine(failure)}", failure);
        }
    }

    private float[] Floats(OrtValue output) => form.Output == TensorElementType.Float
        ? output.GetTensorDataAsSpan<float>().ToArray()
        : Array.ConvertAll(output.GetTensorDataAsSpan<Float16>().ToArray(), half => (float)half);
}
