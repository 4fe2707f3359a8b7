namespace ImageClassifier.Adapters.Onnx.Backbones;

/// <summary>The numbers of a head. The logit of a class is the product of its weights with the features, which are first
/// divided by their Euclidean norm, plus its bias.</summary>
/// <param name="Weights">A row for each class, with a number for each feature. Half precision halves the file.</param>
/// <param name="Bias">A number for each class.</param>
public sealed record HeadWeights(IReadOnlyList<Half[]> Weights, IReadOnlyList<float> Bias);
