using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Embedded;

/// <summary>The paths below the data folder, which the programs of one machine share.</summary>
public sealed class EmbeddedLayout
{
    /// <summary>Computes the paths. Creates nothing.</summary>
    /// <param name="dataFolder">The data folder. A relative path starts at the working directory.</param>
    /// <exception cref="InvalidSettingException">The path is invalid.</exception>
    public EmbeddedLayout(string dataFolder)
    {
        if (string.IsNullOrWhiteSpace(dataFolder))
            throw new InvalidSettingException(DataFolderKey, dataFolder, "a folder's path is needed");
        try
        {
            DataFolder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(dataFolder));
        }
        catch (Exception failure) when (failure is ArgumentException or IOException or NotSupportedException)
        {
            throw new InvalidSettingException(DataFolderKey, dataFolder, "it is not a valid path", failure);
        }
    }

    /// <summary>The settings key of the data folder.</summary>
    public const string DataFolderKey = "image-classifier.embedded.data";

    /// <summary>The data folder, as a full path.</summary>
    public string DataFolder { get; }

    /// <summary>The folder of the queues' databases.</summary>
    public string Queues => Path.Combine(DataFolder, "queues");

    /// <summary>The database of the request queue and its dead-letter queue.</summary>
    public string RequestQueue => Path.Combine(Queues, "requests.db");

    /// <summary>The database of the response queue and its dead-letter queue.</summary>
    public string ResponseQueue => Path.Combine(Queues, "responses.db");

    /// <summary>The database of the fleet.</summary>
    public string FleetTable => Path.Combine(DataFolder, "fleet.db");

    /// <summary>The root of the object store.</summary>
    public string Objects => Path.Combine(DataFolder, "objects");

    /// <summary>The folder of objects that are being written. A rename moves them to <see cref="Objects"/>, so both are
    /// on the same file system.</summary>
    public string Temporary => Path.Combine(DataFolder, "tmp");

    /// <summary>The folder of the lock files of instances, and of web nodes that share the data folder.</summary>
    public string Instances => Path.Combine(DataFolder, "instances");

    /// <summary>The folder of log files.</summary>
    public string Logs => Path.Combine(DataFolder, "logs");

    /// <summary>The folder of models that users added, each in a folder of its name.</summary>
    public string Models => Path.Combine(DataFolder, "models");

    /// <summary>The lock of the web tier, because a data folder has only one.</summary>
    public string WebLock => Path.Combine(DataFolder, "web.lock");

    /// <summary>The lock file of a live instance.</summary>
    public string InstanceLock(InstanceId instance) => Path.Combine(Instances, $"{instance.Value}.lock");

    /// <summary>The folders at the top of the data folder.</summary>
    internal IReadOnlyList<string> Folders => [Queues, Objects, Temporary, Instances, Logs, Models];

    /// <summary>A new path for a file that is being written.</summary>
    internal string NewTemporaryFile() => Path.Combine(Temporary, OwnFileNames.NewTemporary());
}
