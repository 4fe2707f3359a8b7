namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>The limits of decoding.</summary>
/// <param name="MaxPixels">The most pixels of a picture, width times height (<c>max-pixels</c>); at least 1.</param>
/// <param name="MaxMemory">The most bytes that all concurrent decodes may need together, besides the files
/// (<c>decode-memory</c>); at least 1. A picture that alone needs more is refused; others wait.</param>
/// <param name="Timeout">The time-out of a decode (<c>decode-timeout</c>); above zero. Only the processor time of the
/// decoding thread counts.</param>
public sealed record DecodingLimits(long MaxPixels, long MaxMemory, TimeSpan Timeout);
