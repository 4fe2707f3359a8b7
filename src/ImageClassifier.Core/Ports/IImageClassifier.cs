using ImageClassifier.Core.Messages;

namespace ImageClassifier.Core.Ports;

/// <summary>
/// A model that names what pictures show. Work is in two steps, so that decoding runs on many threads while the model
/// runs on few: <see cref="Decode"/> each picture, then <see cref="Classify"/> some of them together. Both are CPU-bound
/// and synchronous, and safe to call from several threads at once. Disposing of it lets no further call begin;
/// one under way may end.
/// </summary>
public interface IImageClassifier : IDisposable
{
    /// <summary>The model that answers.</summary>
    ModelIdentity Model { get; }

    /// <summary>How many pictures a call of <see cref="Classify"/> should have at most; at least 1.</summary>
    int PreferredBatchSize { get; }

    /// <summary>Turns an encoded picture into the model's input.</summary>
    /// <param name="picture">The whole file.</param>
    /// <returns><see cref="Decoding.Decoded"/>, or <see cref="Decoding.Refused"/> where the picture is at fault.</returns>
    Decoding Decode(ReadOnlyMemory<byte> picture);

    /// <summary>Classifies decoded pictures.</summary>
    /// <param name="pictures">From 1 to <see cref="PreferredBatchSize"/> pictures that this classifier decoded. They
    /// are still the caller's to dispose of.</param>
    /// <returns>For each picture, in the same order, its five most probable labels, best first (fewer where the model
    /// has fewer).</returns>
    IReadOnlyList<IReadOnlyList<Prediction>> Classify(IReadOnlyList<DecodedPicture> pictures);
}

/// <summary>What decoding a picture gives.</summary>
public abstract record Decoding
{
    private Decoding()
    {
    }

    /// <summary>The model's input; the receiver disposes of it.</summary>
    public sealed record Decoded(DecodedPicture Picture) : Decoding;

    /// <summary>The picture cannot be classified, and why.</summary>
    public sealed record Refused(JobError Error) : Decoding;
}

/// <summary>A picture as its model takes it. Its memory goes back to its pool when it is disposed of.</summary>
public abstract class DecodedPicture : IDisposable
{
    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory back; called once or more.</summary>
    protected abstract void Dispose(bool disposing);
}
