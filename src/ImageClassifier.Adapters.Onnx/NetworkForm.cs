using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Core;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>What a network declares about its input and output.</summary>
/// <param name="Input">The numbers of the input: 32-bit or 16-bit floats, or bytes.</param>
/// <param name="Output">The numbers of the output: 32-bit or 16-bit floats.</param>
/// <param name="FixedBatch">The number of pictures of each run; null if it is free.</param>
internal sealed record NetworkForm(TensorElementType Input, TensorElementType Output, int? FixedBatch)
{
    // A run always takes all pictures of a fixed batch. A larger one is more likely a mistake than wanted.
    private const int LargestFixedBatch = 256;

    // A network can declare thousands of tensors. A message shows the first.
    private const int LongestList = 300;

    private static readonly TensorElementType[] InputElements =
        [TensorElementType.Float, TensorElementType.Float16, TensorElementType.UInt8];

    private static readonly TensorElementType[] OutputElements = [TensorElementType.Float, TensorElementType.Float16];

    /// <summary>Compares a network with its contract.</summary>
    /// <exception cref="ModelDefectException">The network breaks its contract. All faults are named.</exception>
    public static NetworkForm Check(InferenceSession session, ModelContract contract)
    {
        var faults = new List<string>();
        var input = Find(session.InputMetadata, contract.Input.Name, "input", InputElements, faults);
        var output = Find(session.OutputMetadata, contract.Output.Name, "output", OutputElements, faults);
        // Inputs with a default value are not in this list.
        string[] others = [.. session.InputMetadata.Keys.Where(name => name != contract.Input.Name)];
        if (input is not null && others.Length > 0)
        {
            faults.Add($"besides {contract.Input.Name} the model needs the input "
                + $"{UntrustedText.ForMessage(string.Join(", ", others), LongestList)}; export "
                + "it with pictures as its only input, or give the others default values (initialisers)");
        }

        if (input is not null) CheckInput(input, contract.Input, faults);
        ModelDefectException.ThrowIfAny(faults);
        var batch = input!.Dimensions[0];
        return new NetworkForm(input.ElementDataType, output!.ElementDataType, batch < 0 ? null : batch);
    }

    /// <summary>The type of numbers in the words of ONNX.</summary>
    public static string Name(TensorElementType element) => element switch
    {
        TensorElementType.Float => "float32",
        TensorElementType.Float16 => "float16",
        TensorElementType.Double => "float64",
        _ => element.ToString().ToLowerInvariant(),
    };

    /// <summary>The axes of a tensor, as text.</summary>
    public static string Shape(int[] dimensions) =>
        $"[{string.Join(", ", dimensions.Select(length => length < 0 ? "free" : $"{length}"))}]";

    private static NodeMetadata? Find(
        IReadOnlyDictionary<string, NodeMetadata> declared, string name, string what, TensorElementType[] allowed,
        List<string> faults)
    {
        if (!declared.TryGetValue(name, out var metadata))
        {
            faults.Add($"the model has no {what} {name}; it has "
                + UntrustedText.ForMessage(string.Join(", ", declared.Keys), LongestList));
            return null;
        }

        if (!metadata.IsTensor)
        {
            faults.Add($"the model's {what} {name} is not a tensor");
            return null;
        }

        if (allowed.Contains(metadata.ElementDataType)) return metadata;
        faults.Add($"the model's {what} {name} is a tensor of {Name(metadata.ElementDataType)}, but must be of "
            + $"{string.Join(" or ", allowed.Select(Name))}");
        return null;
    }

    private static void CheckInput(NodeMetadata declared, ModelInput input, List<string> faults)
    {
        var expected = input.Shape(1);
        var actual = declared.Dimensions;
        var fits = actual.Length == expected.Length
            && actual.Zip(expected).Skip(1).All(axis => axis.First < 0 || axis.First == axis.Second);
        if (!fits)
        {
            faults.Add($"the model's input {input.Name} is {Shape(actual)}, but model.json makes it "
                + $"[N, {string.Join(", ", expected.Skip(1))}]");
        }
        else if (actual[0] is 0 or > LargestFixedBatch)
        {
            faults.Add($"the model takes exactly {actual[0]} pictures at once; its batch axis must be free, or from 1 "
                + $"to {LargestFixedBatch}");
        }

        if (declared.ElementDataType == TensorElementType.UInt8 && !input.LeavesBytes)
        {
            faults.Add("the model takes bytes (uint8), so model.json must not scale them; remove input.range, "
                + "input.mean and input.std, or set them to [0, 255], [0, 0, 0] and [1, 1, 1]");
        }

        if (declared.ElementDataType != TensorElementType.UInt8 && !input.GivesScaling)
        {
            faults.Add($"the model takes {Name(declared.ElementDataType)}, so model.json must say how bytes become "
                + "numbers; set input.range, input.mean and input.std to those of the training");
        }
    }
}
