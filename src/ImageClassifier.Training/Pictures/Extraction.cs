namespace ImageClassifier.Training.Pictures;

/// <summary>Computes the features of the picture at a path. It is called from several threads.</summary>
public delegate Extraction ExtractFeatures(string path, CancellationToken cancellation);

/// <summary>The outcome of a picture.</summary>
public abstract record Extraction
{
    private Extraction()
    {
    }

    /// <summary>The picture has features.</summary>
    /// <param name="Features">The features, as the backbone gives them.</param>
    /// <param name="ContentHash">A hash of the file: copies have the same.</param>
    public sealed record Extracted(float[] Features, string ContentHash) : Extraction;

    /// <summary>The picture cannot be used.</summary>
    /// <param name="Reason">The reason, as a sentence.</param>
    public sealed record Refused(string Reason) : Extraction;
}
