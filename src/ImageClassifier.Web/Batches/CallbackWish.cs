using System.Text.Json.Serialization;

namespace ImageClassifier.Web.Batches;

/// <summary>The client's wish to be called when results are there: part of the manifest.</summary>
/// <param name="Url">The receiver's address.</param>
/// <param name="Events">What is delivered.</param>
/// <param name="Key">The name of the uploader's API key, whose secrets sign; null if no key was needed.</param>
public sealed record CallbackWish(string Url, CallbackEvents Events, string? Key)
{
    /// <summary>Whether the wish can be fulfilled.</summary>
    [JsonIgnore]
    public bool IsWhole => Uri.TryCreate(Url, UriKind.Absolute, out _) && Enum.IsDefined(Events);
}

/// <summary>What is delivered to a receiver.</summary>
public enum CallbackEvents
{
    /// <summary>One delivery when all jobs of the batch have a result.</summary>
    Batch,

    /// <summary>One delivery for each result.</summary>
    Job,
}
