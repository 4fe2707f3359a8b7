using System.Globalization;
using ImageClassifier.Core.Formats;

namespace ImageClassifier.Core.Storage;

/// <summary>The keys of all objects in the store. No key contains text from a client.</summary>
public static class ObjectKeys
{
    /// <summary>The prefix of all pictures.</summary>
    public const string Images = "images/";

    /// <summary>The prefix of all results.</summary>
    public const string Results = "results/";

    /// <summary>The prefix of all manifests and markers.</summary>
    public const string Batches = "batches/";

    /// <summary>The prefix of the markers of open batches, and of the notes of deletions.</summary>
    public const string OpenBatches = "batches/open/";

    /// <summary>The prefix of the nodes' heartbeat records.</summary>
    public const string Nodes = "nodes/";

    /// <summary>The prefix of the scaler's notes of its launches.</summary>
    public const string Launches = "launches/";

    /// <summary>The prefix of the registry of models.</summary>
    public const string Models = "models/";

    private const string DeletionSuffix = "-deleting";

    // No deployment launches so often. An object with a higher number is not a note, so that there is always a next one.
    private const int MostLaunches = 1_000_000_000;

    /// <summary>The prefix of a batch's pictures.</summary>
    public static string ImagesOf(BatchId batch) => $"{Images}{batch.Value}/";

    /// <summary>A picture.</summary>
    /// <param name="batch">The batch of the picture.</param>
    /// <param name="job">The job of the picture.</param>
    /// <param name="format">The format of its bytes, which gives the extension.</param>
    public static string Image(BatchId batch, JobId job, PictureFormat format) =>
        $"{ImagesOf(batch)}{job.Value}{PictureFormats.Extension(format)}";

    /// <summary>The prefix of a batch's results.</summary>
    public static string ResultsOf(BatchId batch) => $"{Results}{batch.Value}/";

    /// <summary>A job's result.</summary>
    public static string Result(BatchId batch, JobId job) => $"{ResultsOf(batch)}{job.Value}.json";

    /// <summary>The model of a batch without a model of the registry: a <see cref="Messages.BatchModel"/>. App nodes may
    /// write below <see cref="Results"/>.</summary>
    public static string BatchModel(BatchId batch) => $"{ResultsOf(batch)}model.json";

    /// <summary>The object that stops a batch: a <see cref="Messages.BatchStop"/>. App nodes may read below
    /// <see cref="Results"/>.</summary>
    public static string BatchStop(BatchId batch) => $"{ResultsOf(batch)}stopped.json";

    /// <summary>The prefix of a batch's records: its manifest and notes.</summary>
    public static string RecordsOf(BatchId batch) => $"{Batches}{batch.Value}/";

    /// <summary>A batch's manifest: the accepted jobs. It is also the outbox of their messages.</summary>
    public static string Manifest(BatchId batch) => $"{RecordsOf(batch)}manifest.json";

    /// <summary>The marker of an open batch: it has begun and is not finished.</summary>
    public static string OpenMarker(BatchId batch) => $"{OpenBatches}{batch.Value}";

    /// <summary>The prefix of a batch's stop markers.</summary>
    public static string StopMarkersOf(BatchId batch) => $"{OpenBatches}{batch.Value}-stopping/";

    /// <summary>The marker that the waiting jobs of an open batch end at a time: at its deadline, or, after a cancel, at
    /// once.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="at">The time. Its fraction of a second is left out.</param>
    public static string StopMarker(BatchId batch, DateTimeOffset at) =>
        string.Create(CultureInfo.InvariantCulture, $"{StopMarkersOf(batch)}{at.ToUnixTimeSeconds()}");

    /// <summary>Reads the time from the key of a stop marker.</summary>
    public static bool TryParseStopMarker(string key, BatchId batch, out DateTimeOffset at)
    {
        at = default;
        if (!key.StartsWith(StopMarkersOf(batch), StringComparison.Ordinal)
            || !long.TryParse(
                key[StopMarkersOf(batch).Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
            return false;
        at = DateTimeOffset.FromUnixTimeSeconds(seconds);
        return true;
    }

    /// <summary>The prefix of a batch's redrive markers.</summary>
    public static string RedriveMarkersOf(BatchId batch) => $"{OpenBatches}{batch.Value}-redriven/";

    /// <summary>The marker of one redrive. Each has its own key, because closing a batch removes only the markers that
    /// were there before its results were read.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="redrive">Identifies the redrive: letters and digits.</param>
    public static string RedriveMarker(BatchId batch, string redrive) => $"{RedriveMarkersOf(batch)}{redrive}";

    /// <summary>The note that a batch is being deleted.</summary>
    public static string DeletionNote(BatchId batch) => $"{OpenBatches}{batch.Value}{DeletionSuffix}";

    /// <summary>The note that the request queue has taken all messages of a batch.</summary>
    public static string SentNote(BatchId batch) => $"{RecordsOf(batch)}sent";

    /// <summary>The prefix of the notes of a batch's jobs that were sent again.</summary>
    public static string AttemptsOf(BatchId batch) => $"{RecordsOf(batch)}attempts/";

    /// <summary>The note that a job was sent again: a <see cref="Messages.JobAttempt"/>.</summary>
    public static string Attempt(BatchId batch, JobId job) => $"{AttemptsOf(batch)}{job.Value}.json";

    /// <summary>The claim of an idempotency key, which names the batch of the key.</summary>
    /// <param name="digest">The digest of the key: hexadecimal digits.</param>
    public static string Claim(string digest) => $"{Batches}idempotency/{digest}";

    /// <summary>The heartbeat record of a node: a <see cref="Messages.NodeRecord"/>.</summary>
    public static string Node(InstanceId instance) => $"{Nodes}{instance.Value}.json";

    /// <summary>Reads the instance from the key of a node's record.</summary>
    public static bool TryParseNode(string key, out InstanceId instance)
    {
        instance = default;
        return key.StartsWith(Nodes, StringComparison.Ordinal) && key.EndsWith(".json", StringComparison.Ordinal)
            && InstanceId.TryParse(key[Nodes.Length..^".json".Length], out instance);
    }

    /// <summary>The note of a launch: a <see cref="Messages.LaunchNote"/>.</summary>
    /// <param name="number">The place of the launch in the order of all launches, from 1.</param>
    public static string Launch(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{Launches}{number:D10}.json");

    /// <summary>Reads the number of a launch from the key of its note.</summary>
    public static bool TryParseLaunch(string key, out int number)
    {
        number = 0;
        return key.StartsWith(Launches, StringComparison.Ordinal) && key.EndsWith(".json", StringComparison.Ordinal)
            && int.TryParse(
                key[Launches.Length..^".json".Length], NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && number <= MostLaunches && key == Launch(number);
    }

    /// <summary>Reads the batch from the key of a marker or note under <see cref="OpenBatches"/>.</summary>
    /// <param name="key">The key.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="isDeletion">True if it is a <see cref="DeletionNote"/>.</param>
    public static bool TryParseOpenMarker(string key, out BatchId batch, out bool isDeletion)
    {
        (batch, isDeletion) = (default, false);
        if (!key.StartsWith(OpenBatches, StringComparison.Ordinal)) return false;
        var name = key[OpenBatches.Length..].Split('-', 2);
        if (!BatchId.TryParse(name[0], out batch)) return false;
        isDeletion = key == DeletionNote(batch);
        return isDeletion || name.Length == 1 || key.StartsWith(RedriveMarkersOf(batch), StringComparison.Ordinal)
            || key.StartsWith(StopMarkersOf(batch), StringComparison.Ordinal);
    }
}
