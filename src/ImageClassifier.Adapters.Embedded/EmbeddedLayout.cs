using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Embedded;

/// <summary>Where everything is under the data folder that the programs of one machine share. The only place that
/// names these paths.</summary>
public sealed class EmbeddedLayout
{
    /// <summary>Names the paths; creates nothing.</summary>
    /// <param name="dataFolder">The data folder; a relative path is taken from the working directory.</param>
    /// <exception cref="InvalidSettingException">The path is no path.</exception>
    public EmbeddedLayout(string dataFolder)
    {
        if (string.IsNullOrWhiteSpace(dataFolder))
            throw new InvalidSettingException(DataKey, dataFolder, "a folder's path is needed");
        try
        {
            DataFolder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(dataFolder));
        }
        catch (Exception failure) when (failure is ArgumentException or IOException or NotSupportedException)
        {
            throw new InvalidSettingException(DataKey, dataFolder, "it is no path of a folder", failure);
        }
    }

    /// <summary>The key that gives the data folder.</summary>
    public const string DataKey = "image-classifier.embedded.data";

    /// <summary>The data folder, as a full path.</summary>
    public string DataFolder { get; }

    /// <summary>The folder of the queues' databases.</summary>
    public string Queues => Path.Combine(DataFolder, "queues");

    /// <summary>The database of the request queue and its dead letters.</summary>
    public string RequestQueue => Path.Combine(Queues, "requests.db");

    /// <summary>The database of the response queue and its dead letters.</summary>
    public string ResponseQueue => Path.Combine(Queues, "responses.db");

    /// <summary>The database of the fleet's table.</summary>
    public string FleetTable => Path.Combine(DataFolder, "fleet.db");

    /// <summary>The root of the object store.</summary>
    public string Objects => Path.Combine(DataFolder, "objects");

    /// <summary>Objects that are being written. On the same file system as <see cref="Objects"/>, so that a rename
    /// finishes them.</summary>
    public string Temporary => Path.Combine(DataFolder, "tmp");

    /// <summary>The folder of the lock files of instances.</summary>
    public string Instances => Path.Combine(DataFolder, "instances");

    /// <summary>The folder of log files.</summary>
    public string Logs => Path.Combine(DataFolder, "logs");

    /// <summary>Held by the web tier while it lives: one data folder has one.</summary>
    public string WebLock => Path.Combine(DataFolder, "web.lock");

    /// <summary>The lock file that an instance holds while it lives.</summary>
    public string InstanceLock(InstanceId instance) => Path.Combine(Instances, $"{instance.Value}.lock");

    /// <summary>The log file of an instance's node.</summary>
    public string InstanceLog(InstanceId instance) => Path.Combine(Logs, $"{instance.Value}.log");

    /// <summary>The folders at the top of the data folder.</summary>
    internal IReadOnlyList<string> Folders => [Queues, Objects, Temporary, Instances, Logs];

    /// <summary>A new file for what is being written.</summary>
    internal string NewTemporaryFile() => Path.Combine(Temporary, OurNames.NewTemporary());

    /// <summary>Makes the folder ours where it is new, creates the folders that are not there, keeps other users out,
    /// and tries that it can be written.</summary>
    /// <returns>Whether the folder was new, known, or of a version that wrote no marker.</returns>
    /// <exception cref="InvalidSettingException">The folder is someone else's, or cannot be created or
    /// written.</exception>
    public FolderOrigin Create() => Embedded.DataFolder.Open(this);
}
