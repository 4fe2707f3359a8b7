namespace ImageClassifier.Adapters.Onnx;

/// <summary>How a classifier runs: <c>image-classifier.node.classification</c>.</summary>
/// <param name="ModelPath">The model directory (<c>model</c>).</param>
/// <param name="MaxBatch">Pictures in one run of the model, at most (<c>max-batch</c>); at least 1.</param>
/// <param name="Threads">Threads of one run (<c>threads</c>); at least 1.</param>
/// <param name="Decoding">What decoding may cost.</param>
public sealed record OnnxClassifierSettings(string ModelPath, int MaxBatch, int Threads, DecodingLimits Decoding);

/// <summary>What decoding pictures may cost.</summary>
/// <param name="MaxPixels">Width times height of the largest picture that is decoded (<c>max-pixels</c>); at least 1.
/// </param>
/// <param name="MaxMemory">Bytes that all pictures that are being decoded may need together, besides their files
/// (<c>decode-memory</c>); a picture that alone needs more is refused, others wait for each other; at least 1.</param>
/// <param name="Timeout">A picture that takes longer than this to decode is refused (<c>decode-timeout</c>); above
/// zero. Only the time counts in which the decoding thread works.</param>
public sealed record DecodingLimits(long MaxPixels, long MaxMemory, TimeSpan Timeout);
