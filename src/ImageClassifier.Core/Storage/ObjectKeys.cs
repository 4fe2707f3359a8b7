namespace ImageClassifier.Core.Storage;

/// <summary>Where things are in the object store. No key ever contains what a client sent.</summary>
public static class ObjectKeys
{
    /// <summary>The prefix of all pictures.</summary>
    public const string Images = "images/";

    /// <summary>The prefix of all results.</summary>
    public const string Results = "results/";

    /// <summary>The prefix of all manifests and markers.</summary>
    public const string Batches = "batches/";

    /// <summary>The prefix of the markers of batches that are not finished, and of the notes of deletions.</summary>
    public const string OpenBatches = "batches/open/";

    /// <summary>The prefix of the records that nodes keep about themselves.</summary>
    public const string Nodes = "nodes/";

    private const string DeletionSuffix = "-deleting";

    /// <summary>The prefix of a batch's pictures.</summary>
    public static string ImagesOf(BatchId batch) => $"{Images}{batch.Value}/";

    /// <summary>A picture.</summary>
    /// <param name="batch">Its batch.</param>
    /// <param name="job">Its job.</param>
    /// <param name="format">What its bytes are, which gives the extension.</param>
    public static string Image(BatchId batch, JobId job, PictureFormat format) =>
        $"{ImagesOf(batch)}{job.Value}{PictureFormats.Extension(format)}";

    /// <summary>The prefix of a batch's results.</summary>
    public static string ResultsOf(BatchId batch) => $"{Results}{batch.Value}/";

    /// <summary>A job's result.</summary>
    public static string Result(BatchId batch, JobId job) => $"{ResultsOf(batch)}{job.Value}.json";

    /// <summary>The prefix of what is kept about a batch: its manifest and notes.</summary>
    public static string RecordsOf(BatchId batch) => $"{Batches}{batch.Value}/";

    /// <summary>A batch's manifest: what was accepted, and so the outbox of its messages.</summary>
    public static string Manifest(BatchId batch) => $"{RecordsOf(batch)}manifest.json";

    /// <summary>The marker of a batch that has begun and is not finished.</summary>
    public static string OpenMarker(BatchId batch) => $"{OpenBatches}{batch.Value}";

    /// <summary>The prefix of the markers that redrives give a batch.</summary>
    public static string RedriveMarkersOf(BatchId batch) => $"{OpenBatches}{batch.Value}-redriven/";

    /// <summary>The marker of one redrive. Each has a key of its own: whoever closes the batch removes only markers that
    /// were there before it looked at the results.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="redrive">Names the redrive: letters and digits.</param>
    public static string RedriveMarker(BatchId batch, string redrive) => $"{RedriveMarkersOf(batch)}{redrive}";

    /// <summary>The note that a batch is being deleted.</summary>
    public static string DeletionNote(BatchId batch) => $"{OpenBatches}{batch.Value}{DeletionSuffix}";

    /// <summary>The note that the request queue has taken all messages of a batch.</summary>
    public static string SentNote(BatchId batch) => $"{RecordsOf(batch)}sent";

    /// <summary>The prefix of the notes of jobs of a batch that were sent again.</summary>
    public static string AttemptsOf(BatchId batch) => $"{RecordsOf(batch)}attempts/";

    /// <summary>The note that a job was sent again: a <see cref="Messages.JobAttempt"/>.</summary>
    public static string Attempt(BatchId batch, JobId job) => $"{AttemptsOf(batch)}{job.Value}.json";

    /// <summary>What says which batch an idempotency key names.</summary>
    /// <param name="digest">Stands for the key: hexadecimal digits.</param>
    public static string Claim(string digest) => $"{Batches}idempotency/{digest}";

    /// <summary>The record that a node keeps about itself: a <see cref="Messages.NodeRecord"/>.</summary>
    public static string Node(InstanceId instance) => $"{Nodes}{instance.Value}.json";

    /// <summary>The instance that the key of a node's record names.</summary>
    public static bool TryParseNode(string key, out InstanceId instance)
    {
        instance = default;
        return key.StartsWith(Nodes, StringComparison.Ordinal) && key.EndsWith(".json", StringComparison.Ordinal)
            && InstanceId.TryParse(key[Nodes.Length..^".json".Length], out instance);
    }

    /// <summary>The batch that a marker or a note under <see cref="OpenBatches"/> names.</summary>
    /// <param name="key">The key.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="isDeletion">Whether it is a <see cref="DeletionNote"/>.</param>
    public static bool TryParseOpenMarker(string key, out BatchId batch, out bool isDeletion)
    {
        (batch, isDeletion) = (default, false);
        if (!key.StartsWith(OpenBatches, StringComparison.Ordinal)) return false;
        var name = key[OpenBatches.Length..].Split('-', 2);
        if (!BatchId.TryParse(name[0], out batch)) return false;
        isDeletion = key == DeletionNote(batch);
        return isDeletion || name.Length == 1 || key.StartsWith(RedriveMarkersOf(batch), StringComparison.Ordinal);
    }
}
