namespace ImageClassifier.Web.Repeats;

/// <summary>The command of the <see cref="RepeatsActor"/>.</summary>
internal static class RepeatsProtocol
{
    /// <summary>Adds the classified pictures of a finished batch.</summary>
    /// <param name="Batches">The batch: once for each model.</param>
    public sealed record Remember(IReadOnlyList<RepeatableBatch> Batches);
}
