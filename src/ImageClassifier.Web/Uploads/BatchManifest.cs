using System.Text.Json.Serialization;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Uploads;

/// <summary>What one upload request brought: the object <c>batches/{batch}/manifest.json</c>. It is written once, and
/// from then on the batch is accepted: the manifest is also the outbox of its messages.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="SubmittedAt">When it was accepted.</param>
/// <param name="Jobs">Its files, in the order of the request; refused ones too.</param>
public sealed record BatchManifest(BatchId Batch, DateTimeOffset SubmittedAt, IReadOnlyList<ManifestJob> Jobs)
    : IStoredDocument
{
    /// <summary>Stands for the idempotency key that names the batch; null where it came without one.</summary>
    public string? Claim { get; init; }

    /// <summary>Whether these are the files of the batch: the same names and bytes in the same order.</summary>
    public bool Has(IReadOnlyList<SentFile> files) =>
        files.Count == Jobs.Count && Jobs.Zip(files).All(pair => pair.First.Is(pair.Second));

    // As many files as a request may be allowed to have, with the longest names.
    /// <inheritdoc />
    public static long MaxSize => 256 << 20;

    /// <summary>The jobs that are to be classified.</summary>
    [JsonIgnore]
    public IEnumerable<ManifestJob> Accepted => Jobs.Where(job => job.ImageKey is not null);

    /// <inheritdoc />
    public bool IsWholeAt(string key) =>
        Batch != default && key == ObjectKeys.Manifest(Batch)
        && Jobs is { Count: > 0 } && Jobs.All(job => job is not null && job.IsWholeIn(Batch))
        && Jobs.DistinctBy(job => job.Job).Count() == Jobs.Count
        && (Claim is null || ObjectKey.IsName(Claim));

    /// <summary>What is asked of the app nodes for an accepted job.</summary>
    public ClassificationRequest Request(ManifestJob job, int attempt) =>
        new(job.Job, Batch, job.ImageKey!, attempt, SubmittedAt);
}

/// <summary>One file of an upload.</summary>
/// <param name="Job">Its job.</param>
/// <param name="FileName">What the client calls it, for showing only.</param>
/// <param name="ImageKey">Where the picture is; null where the file was refused.</param>
/// <param name="Refusal">Why the file was refused; null where it was accepted.</param>
public sealed record ManifestJob(JobId Job, string FileName, string? ImageKey, JobError? Refusal)
{
    /// <summary>The SHA-256 of the file, also of a refused one: 64 lower-case hexadecimal digits; null in manifests
    /// that earlier versions wrote.</summary>
    public string? Sha256 { get; init; }

    /// <summary>The name and the bytes of the file.</summary>
    [JsonIgnore]
    public SentFile Sent => new(FileName, Sha256);

    /// <summary>Whether this is the job of a file. Where there is no hash to compare, the name alone decides.</summary>
    public bool Is(SentFile file) =>
        FileName == file.FileName && (Sha256 is null || file.Sha256 is null || Sha256 == file.Sha256);

    /// <summary>Whether nothing is missing, and the picture is one of the batch.</summary>
    public bool IsWholeIn(BatchId batch) =>
        Job != default && FileName is not null && (ImageKey is not null
            ? Refusal is null && ImageKey.StartsWith(ObjectKeys.ImagesOf(batch), StringComparison.Ordinal)
                && ImageKey.Split('/').All(ObjectKey.IsName)
            : Refusal is { Code: not null, Message: not null });

    /// <summary>A file that is let in.</summary>
    public static ManifestJob Accept(JobId job, string fileName, string imageKey) => new(job, fileName, imageKey, null);

    /// <summary>A file that is not.</summary>
    public static ManifestJob Refuse(string fileName, JobError error) => new(JobId.New(), fileName, null, error);
}

/// <summary>What tells a file of an upload from another.</summary>
/// <param name="FileName">Its name for showing.</param>
/// <param name="Sha256">The SHA-256 of its bytes; null where it is not known.</param>
public sealed record SentFile(string FileName, string? Sha256);
