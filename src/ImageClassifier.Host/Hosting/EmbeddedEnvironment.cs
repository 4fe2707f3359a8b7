using Akka.Configuration;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Adapters.Embedded.Startup;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Logging;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Hosting;

/// <summary>The embedded environment: queues in SQLite and objects in files, in one data folder.</summary>
internal static class EmbeddedEnvironment
{
    /// <summary>Opens the data folder, and creates it if it is missing. Only the user of this process can read files
    /// that it and its children create.</summary>
    /// <exception cref="InvalidSettingException">The folder cannot be created, or belongs to something
    /// else.</exception>
    public static EmbeddedLayout CreateLayout(EmbeddedSettings settings)
    {
        PrivateFiles.CreateForOwnerOnly();
        var layout = new EmbeddedLayout(settings.DataFolder);
        if (layout.Create() == FolderOrigin.Adopted)
        {
            using var log = LoggerFactory.Create(logging => logging.AddStandardErrorLog());
            log.CreateLogger(typeof(EmbeddedEnvironment)).LogInformation(
                "{Folder} is the data folder of an earlier version of this program and is taken over",
                layout.DataFolder);
        }

        return layout;
    }

    /// <summary>Opens a data folder that is in use. A misspelt path must not become a new, empty folder.</summary>
    /// <exception cref="InvalidSettingException">The folder does not exist, is empty, or belongs to something
    /// else.</exception>
    public static EmbeddedLayout OpenExisting(EmbeddedSettings settings)
    {
        if (!Directory.Exists(settings.DataFolder))
            throw new InvalidSettingException(
                EmbeddedLayout.DataFolderKey, settings.DataFolder, "there is no such folder");
        return Directory.EnumerateFileSystemEntries(settings.DataFolder).Any()
            ? CreateLayout(settings)
            : throw new InvalidSettingException(EmbeddedLayout.DataFolderKey, settings.DataFolder, "the folder is empty");
    }

    /// <summary>Opens the files of the queues, so that a wrong file stops the start.</summary>
    /// <param name="config">The settings.</param>
    /// <param name="layout">The data folder.</param>
    /// <param name="makes">True to create missing files.</param>
    /// <exception cref="InvalidSettingException">A file belongs to something else, is too new, or is
    /// damaged.</exception>
    public static void OpenQueues(Config config, EmbeddedLayout layout, bool makes)
    {
        foreach (var ofResponses in new[] { false, true })
        {
            var queue = QueueOf(layout, config, ofResponses);
            if (!makes && !File.Exists(queue.DatabasePath)) continue;
            try
            {
                if (SqliteMessageQueue.OpenFile(queue) && HasOpenBatches(layout)) WarnOfLoss(queue);
            }
            catch (ForeignDatabaseException failure)
            {
                throw new InvalidSettingException(
                    EmbeddedLayout.DataFolderKey, layout.DataFolder, failure.Message, failure);
            }
        }
    }

    /// <summary>Adds <see cref="QueuePair"/> and <see cref="IObjectStore"/>.</summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="config">The settings.</param>
    /// <param name="layout">The data folder.</param>
    /// <param name="makesQueues">True if this process creates files that go missing. Only one process does.</param>
    public static IServiceCollection AddEmbeddedEnvironment(
        this IServiceCollection services, Config config, EmbeddedLayout layout, bool makesQueues)
    {
        return services
            .AddSingleton(layout)
            .AddSingleton<IObjectStore>(new FileObjectStore(layout))
            .AddKeyedSingleton(RequestsKey, (_, _) => Queue(responses: false))
            .AddKeyedSingleton(ResponsesKey, (_, _) => Queue(responses: true))
            .AddSingleton(provider => new QueuePair(
                provider.GetRequiredKeyedService<SqliteMessageQueue>(RequestsKey),
                provider.GetRequiredKeyedService<SqliteMessageQueue>(ResponsesKey)));

        SqliteMessageQueue Queue(bool responses) =>
            new(QueueOf(layout, config, responses) with { CreatesFile = makesQueues });
    }

    /// <summary>The settings of one queue.</summary>
    public static SqliteQueueSettings QueueOf(EmbeddedLayout layout, Config config, bool responses)
    {
        var queues = QueueSettings.Create(config);
        return responses
            ? SettingsOf(layout.ResponseQueue, ResponsesKey, queues.Responses)
            : SettingsOf(layout.RequestQueue, RequestsKey, queues.Requests);
    }

    private static bool HasOpenBatches(EmbeddedLayout layout)
    {
        var markers = new DirectoryInfo(Path.Combine(layout.Objects, ObjectKeys.OpenBatches));
        return markers.Exists && markers.EnumerateFileSystemInfos().Any();
    }

    private static void WarnOfLoss(SqliteQueueSettings queue)
    {
        using var log = LoggerFactory.Create(logging => logging.AddStandardErrorLog());
        log.CreateLogger(typeof(EmbeddedEnvironment)).LogWarning(
            "{File} was missing and is created again. The jobs of open batches are sent again", queue.DatabasePath);
    }

    private const string RequestsKey = "requests";
    private const string ResponsesKey = "responses";

    private static SqliteQueueSettings SettingsOf(string path, string name, QueueLeaseSettings settings) =>
        new(path, name, settings.MaxReceiveCount);
}
