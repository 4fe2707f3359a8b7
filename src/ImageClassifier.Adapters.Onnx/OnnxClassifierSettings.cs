using ImageClassifier.Adapters.Onnx.Imaging;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>The settings of the classifier: <c>image-classifier.node.classification</c>.</summary>
/// <param name="ModelPath">The model directory (<c>model</c>).</param>
/// <param name="MaxBatch">The most pictures in one run of the model (<c>max-batch</c>); at least 1.</param>
/// <param name="Threads">The number of threads of one run (<c>threads</c>); at least 1.</param>
/// <param name="Decoding">The limits of decoding.</param>
public sealed record OnnxClassifierSettings(string ModelPath, int MaxBatch, int Threads, DecodingLimits Decoding);
