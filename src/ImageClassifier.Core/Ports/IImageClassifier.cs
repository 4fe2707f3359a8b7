using ImageClassifier.Core.Messages;

namespace ImageClassifier.Core.Ports;

/// <summary>
/// A model that labels pictures. Work has two steps, so that decoding runs on many threads and the model on few:
/// <see cref="Decode"/> each picture, then <see cref="Classify"/> several together. Both are synchronous, use a core
/// fully, and are safe to call from several threads. After its disposal no call may begin; a call under way may end.
/// </summary>
public interface IImageClassifier : IDisposable
{
    /// <summary>The identity of the model.</summary>
    ModelIdentity Model { get; }

    /// <summary>The most pictures that a call of <see cref="Classify"/> should have; at least 1.</summary>
    int PreferredBatchSize { get; }

    /// <summary>Turns an encoded picture into the model's input.</summary>
    /// <param name="picture">The bytes of the file.</param>
    /// <returns><see cref="Decoding.Decoded"/>, or <see cref="Decoding.Refused"/> if the picture is at fault.</returns>
    Decoding Decode(ReadOnlyMemory<byte> picture);

    /// <summary>Classifies decoded pictures.</summary>
    /// <param name="pictures">From 1 to <see cref="PreferredBatchSize"/> pictures that this classifier decoded. The
    /// caller disposes of them.</param>
    /// <returns>For each picture, in the same order, its five most probable labels, best first. Fewer if the model has
    /// fewer.</returns>
    IReadOnlyList<IReadOnlyList<Prediction>> Classify(IReadOnlyList<DecodedPicture> pictures);
}

/// <summary>The outcome of decoding a picture.</summary>
public abstract record Decoding
{
    private Decoding()
    {
    }

    /// <summary>The picture is decoded. The receiver disposes of it.</summary>
    public sealed record Decoded(DecodedPicture Picture) : Decoding;

    /// <summary>The picture cannot be classified.</summary>
    public sealed record Refused(JobError Error) : Decoding;
}

/// <summary>A picture as the input of its model. Disposal returns its memory to the pool.</summary>
public abstract class DecodedPicture : IDisposable
{
    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Returns the memory. May be called more than once.</summary>
    protected abstract void Dispose(bool disposing);
}
