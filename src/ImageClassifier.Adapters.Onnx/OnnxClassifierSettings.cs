namespace ImageClassifier.Adapters.Onnx;

/// <summary>How a classifier runs: <c>image-classifier.node.classification</c>.</summary>
/// <param name="ModelPath">The model directory (<c>model</c>).</param>
/// <param name="MaxBatch">Pictures in one run of the model, at most (<c>max-batch</c>); at least 1.</param>
/// <param name="Threads">Threads of one run (<c>threads</c>); at least 1.</param>
/// <param name="MaxPixels">Width times height of the largest picture that is decoded (<c>max-pixels</c>); at least 1.
/// </param>
public sealed record OnnxClassifierSettings(string ModelPath, int MaxBatch, int Threads, long MaxPixels);
