namespace ImageClassifier.Adapters.Onnx;

/// <summary>The settings of the classifier: <c>image-classifier.node.classification</c>.</summary>
/// <param name="ModelPath">The model directory (<c>model</c>).</param>
/// <param name="MaxBatch">The most pictures in one run of the model (<c>max-batch</c>); at least 1.</param>
/// <param name="Threads">The number of threads of one run (<c>threads</c>); at least 1.</param>
/// <param name="Decoding">The limits of decoding.</param>
public sealed record OnnxClassifierSettings(string ModelPath, int MaxBatch, int Threads, DecodingLimits Decoding);

/// <summary>The limits of decoding.</summary>
/// <param name="MaxPixels">The most pixels of a picture, width times height (<c>max-pixels</c>); at least 1.</param>
/// <param name="MaxMemory">The most bytes that all concurrent decodes may need together, besides the files
/// (<c>decode-memory</c>); at least 1. A picture that alone needs more is refused; others wait.</param>
/// <param name="Timeout">The time-out of a decode (<c>decode-timeout</c>); above zero. Only the processor time of the
/// decoding thread counts.</param>
public sealed record DecodingLimits(long MaxPixels, long MaxMemory, TimeSpan Timeout);
