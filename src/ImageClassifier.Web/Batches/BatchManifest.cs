using System.Text.Json.Serialization;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Batches;

/// <summary>The files of one upload request: the object <c>batches/{batch}/manifest.json</c>. It is written once. With
/// it the batch is accepted, and it also serves as the outbox of the batch's messages.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="SubmittedAt">When the batch was accepted.</param>
/// <param name="Jobs">The files in the order of the request, refused files included.</param>
public sealed record BatchManifest(BatchId Batch, DateTimeOffset SubmittedAt, IReadOnlyList<ManifestJob> Jobs)
    : IStoredDocument
{
    /// <summary>The digest of the batch's idempotency key; null if the request had no key.</summary>
    public string? Claim { get; init; }

    /// <summary>The model of the batch; null for the model of the nodes' setting.</summary>
    public ModelReference? Model { get; init; }

    /// <summary>The model to use if <see cref="Model"/> cannot be used; null for the model of the nodes'
    /// setting.</summary>
    public ModelReference? Fallback { get; init; }

    /// <summary>What the client wants to be called for; null for nothing.</summary>
    public CallbackWish? Callback { get; init; }

    /// <summary>The time after which no job is begun any more; null for none.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Stands for the key of the upload: later uploads of it can get the batch's results. Null if they cannot, as
    /// in manifests of earlier versions.</summary>
    public string? RepeatScope { get; init; }

    /// <summary>True if this is the tombstone of an abandoned upload; null otherwise.</summary>
    public bool? Abandoned { get; init; }

    /// <inheritdoc />
    [JsonIgnore]
    public bool IsTombstone => Abandoned == true;

    /// <summary>The object that is written in the place of the manifest, so that the upload cannot commit.</summary>
    public static BatchManifest Tombstone(BatchId batch, DateTimeOffset now) =>
        new(batch, now, []) { Abandoned = true };

    /// <summary>Whether the batch consists of these files: the same names and bytes in the same order.</summary>
    public bool Matches(IReadOnlyList<SentFile> files) =>
        files.Count == Jobs.Count && Jobs.Zip(files).All(pair => pair.First.Matches(pair.Second));

    // Enough for the largest allowed number of files, each with the longest name.
    /// <inheritdoc />
    public static long MaxSize => 256 << 20;

    /// <summary>The jobs of the accepted files.</summary>
    [JsonIgnore]
    public IEnumerable<ManifestJob> Accepted => Jobs.Where(job => job.Refusal is null);

    /// <summary>True if the nodes of the batch must agree on a model.</summary>
    [JsonIgnore]
    public bool HasSeveralJobs => Jobs.Count > 1;

    /// <inheritdoc />
    public bool IsWholeAt(string key) =>
        Batch != default && key == ObjectKeys.Manifest(Batch)
        && Jobs is { Count: > 0 } && Jobs.All(job => job is not null && job.IsWholeIn(Batch))
        && Jobs.DistinctBy(job => job.Job).Count() == Jobs.Count
        && (Claim is null || ObjectKey.IsName(Claim))
        && Model is null or { IsValid: true } && Fallback is null or { IsValid: true }
        && Callback is null or { IsWhole: true }
        && (RepeatScope is null || ModelReference.IsHash(RepeatScope));

    /// <summary>The request message for one attempt of an accepted job.</summary>
    public ClassificationRequest Request(ManifestJob job, int attempt) =>
        new(job.Job, Batch, job.ImageKey, attempt, SubmittedAt)
        {
            Reference = job.Reference,
            Model = Model,
            Fallback = Fallback,
            SharesBatch = HasSeveralJobs,
            Deadline = Deadline,
        };
}

/// <summary>One file of an upload.</summary>
/// <param name="Job">The file's job.</param>
/// <param name="FileName">The client's name for the file, for display only.</param>
/// <param name="ImageKey">The store key of the picture; null if the file was refused, or is fetched by its
/// <see cref="Reference"/>.</param>
/// <param name="Refusal">Why the file was refused; null if it was accepted.</param>
public sealed record ManifestJob(JobId Job, string FileName, string? ImageKey, JobError? Refusal)
{
    /// <summary>The SHA-256 of the file as 64 lower-case hexadecimal digits; null in manifests of earlier versions. A
    /// refused file has one too.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Where the app node fetches the picture; null if the picture was uploaded or refused.</summary>
    public PictureReference? Reference { get; init; }

    /// <summary>The job that had the same picture before, and whose result probably answers this one; null if there is
    /// none.</summary>
    public OriginalJob? RepeatOf { get; init; }

    /// <summary>What identifies the file.</summary>
    [JsonIgnore]
    public SentFile Sent => new(FileName, Sha256) { Reference = Reference };

    /// <summary>Whether a file is the one of this job. Without a hash, only the name is compared.</summary>
    public bool Matches(SentFile file) =>
        FileName == file.FileName && Reference == file.Reference
        && (Sha256 is null || file.Sha256 is null || Sha256 == file.Sha256);

    /// <summary>Whether the entry is complete and its picture belongs to the batch.</summary>
    public bool IsWholeIn(BatchId batch) =>
        Job != default && FileName is not null && RepeatOf is null or { IsWhole: true }
        && (ImageKey, Reference, Refusal) switch
        {
            ({ } key, null, null) => key.StartsWith(ObjectKeys.ImagesOf(batch), StringComparison.Ordinal)
                && key.Split('/').All(ObjectKey.IsName),
            (null, { IsWhole: true }, null) => true,
            (null, null, { Code: not null, Message: not null }) => true,
            _ => false,
        };

    /// <summary>Creates the entry of an accepted file.</summary>
    public static ManifestJob Accept(JobId job, string fileName, string imageKey) => new(job, fileName, imageKey, null);

    /// <summary>Creates the entry of a file that an app node fetches.</summary>
    public static ManifestJob Accept(string fileName, PictureReference reference) =>
        new(JobId.New(), fileName, null, null) { Reference = reference };

    /// <summary>Creates the entry of a refused file.</summary>
    public static ManifestJob Refuse(string fileName, JobError error) => new(JobId.New(), fileName, null, error);
}

/// <summary>A job of an earlier upload.</summary>
/// <param name="Batch">Its batch.</param>
/// <param name="Job">The job.</param>
public sealed record OriginalJob(BatchId Batch, JobId Job)
{
    /// <summary>True if both ids are set.</summary>
    [JsonIgnore]
    public bool IsWhole => Batch != default && Job != default;
}

/// <summary>Identifies a file of an upload.</summary>
/// <param name="FileName">The name for display.</param>
/// <param name="Sha256">The SHA-256 of the bytes; null if unknown.</param>
public sealed record SentFile(string FileName, string? Sha256)
{
    /// <summary>The reference by which it was sent; null if it was uploaded, or if its reference was refused.</summary>
    public PictureReference? Reference { get; init; }
}
