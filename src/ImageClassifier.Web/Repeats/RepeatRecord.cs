using System.Text.Json.Serialization;
using ImageClassifier.Core;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Repeats;

/// <summary>Says which pictures have results: an object below <see cref="RepeatKeys.All"/>. It is only a hint: a result is
/// compared with its manifest before it answers anything.</summary>
/// <param name="Batches">The batches of the pictures.</param>
internal sealed record RepeatRecord(IReadOnlyList<RepeatableBatch> Batches) : IStoredDocument
{
    /// <summary>The most pictures in a record. Even if each has a batch of its own, the record is smaller than the largest
    /// document.</summary>
    public const int MostPictures = 2_000;

    /// <inheritdoc />
    public bool IsWholeAt(string key) =>
        RepeatKeys.IsRecord(key) && Batches is { Count: > 0 and <= MostPictures }
        && Batches.All(batch => batch is { IsWhole: true })
        && Batches.Sum(batch => batch.Pictures.Count) <= MostPictures;
}

/// <summary>The pictures of a batch that one model classified.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="Scope">The <see cref="Batches.BatchManifest.RepeatScope"/> of the batch.</param>
/// <param name="Model">The SHA-256 of the model.</param>
/// <param name="Pictures">The pictures.</param>
internal sealed record RepeatableBatch(
    BatchId Batch, string Scope, string Model, IReadOnlyList<RepeatablePicture> Pictures)
{
    /// <summary>True if no part is missing.</summary>
    [JsonIgnore]
    public bool IsWhole =>
        Batch != default && ModelReference.IsHash(Scope) && ModelReference.IsHash(Model)
        && Pictures is { Count: > 0 } && Pictures.All(picture => picture is { IsWhole: true });
}

/// <summary>A classified picture.</summary>
/// <param name="Job">Its job.</param>
/// <param name="Sha256">The SHA-256 of its bytes.</param>
internal sealed record RepeatablePicture(JobId Job, string Sha256)
{
    /// <summary>True if no part is missing.</summary>
    [JsonIgnore]
    public bool IsWhole => Job != default && ModelReference.IsHash(Sha256);
}
