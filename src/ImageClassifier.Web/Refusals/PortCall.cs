namespace ImageClassifier.Web.Refusals;

/// <summary>A kind of call to the store or to a queue.</summary>
/// <param name="Name">The name, as the subject of a sentence.</param>
/// <param name="IsNeededForUploads">Whether uploads get no results without it.</param>
internal sealed record PortCall(string Name, bool IsNeededForUploads)
{
    /// <inheritdoc />
    public override string ToString() => Name;
}
