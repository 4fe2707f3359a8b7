namespace ImageClassifier.Web.Refusals;

/// <summary>A kind of call that the web tier makes.</summary>
/// <param name="Name">What it does, as the subject of a sentence.</param>
/// <param name="IsNeededForUploads">Whether no upload comes to its results without it.</param>
internal sealed record PortCall(string Name, bool IsNeededForUploads)
{
    /// <inheritdoc />
    public override string ToString() => Name;
}
