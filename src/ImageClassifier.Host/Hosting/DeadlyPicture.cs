using System.Diagnostics;
using System.Security.Cryptography;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Host.Hosting;

/// <summary>
/// For tests only: a node that dies of one picture, as a decoder with a fault would let it. The variable
/// <see cref="Variable"/> names the picture by its SHA-256; where it is not set, as it should not be in service, nothing is
/// put in front of the classifier.
/// </summary>
internal sealed class DeadlyPicture : IImageClassifier
{
    /// <summary>The environment variable: 64 hexadecimal digits.</summary>
    public const string Variable = "IMAGE_CLASSIFIER_TEST_DEADLY_PICTURE";

    private readonly IImageClassifier _classifier;
    private readonly byte[] _sha256;

    private DeadlyPicture(IImageClassifier classifier, byte[] sha256)
    {
        _classifier = classifier;
        _sha256 = sha256;
    }

    /// <inheritdoc />
    public ModelIdentity Model => _classifier.Model;

    /// <inheritdoc />
    public int PreferredBatchSize => _classifier.PreferredBatchSize;

    /// <summary>The classifier as it is, unless a test says otherwise.</summary>
    public static IImageClassifier Guard(IImageClassifier classifier) =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } sha256
            ? new DeadlyPicture(classifier, Convert.FromHexString(sha256))
            : classifier;

    /// <inheritdoc />
    public Decoding Decode(ReadOnlyMemory<byte> picture)
    {
        // At once, and without a chance to hand anything back.
        if (SHA256.HashData(picture.Span).AsSpan().SequenceEqual(_sha256)) Process.GetCurrentProcess().Kill();
        return _classifier.Decode(picture);
    }

    /// <inheritdoc />
    public IReadOnlyList<IReadOnlyList<Prediction>> Classify(IReadOnlyList<DecodedPicture> pictures) =>
        _classifier.Classify(pictures);

    /// <inheritdoc />
    public void Dispose() => _classifier.Dispose();
}
