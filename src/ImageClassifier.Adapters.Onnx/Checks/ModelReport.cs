using ImageClassifier.Adapters.Onnx.Contract;

namespace ImageClassifier.Adapters.Onnx.Checks;

/// <summary>What a model directory holds, and what is wrong with it. What a fault hides is null or empty.</summary>
/// <param name="Directory">The full path of the directory.</param>
public sealed record ModelReport(string Directory)
{
    /// <summary>The model's name.</summary>
    public string? Name { get; init; }

    /// <summary>The SHA-256 of the model, which every result names.</summary>
    public string? Sha256 { get; init; }

    /// <summary>The contents of <c>model.json</c>.</summary>
    public ModelContract? Contract { get; init; }

    /// <summary>The names of the files of weights.</summary>
    public IReadOnlyList<string> Weights { get; init; } = [];

    /// <summary>The numbers of the input: <c>float32</c>, <c>float16</c> or <c>uint8</c>.</summary>
    public string? InputType { get; init; }

    /// <summary>The number of pictures of each run; null if it is free.</summary>
    public int? FixedBatch { get; init; }

    /// <summary>The file of the labels.</summary>
    public string? LabelsFile { get; init; }

    /// <summary>The labels of the classes that can be answers.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>The number of sample pictures.</summary>
    public int Samples { get; init; }

    /// <summary>If the check wrote <c>model.json</c>, how it came to each value, as sentences.</summary>
    public IReadOnlyList<string>? Written { get; init; }

    /// <summary>All faults that were found, as clauses. A fault can hide others.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];
}
