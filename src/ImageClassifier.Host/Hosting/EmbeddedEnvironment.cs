using Akka.Configuration;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Hosting;

/// <summary>The embedded environment: queues in SQLite and objects in files, under one data folder.</summary>
internal static class EmbeddedEnvironment
{
    /// <summary>The data folder, which is there from now on.</summary>
    /// <exception cref="InvalidSettingException">It cannot be made.</exception>
    public static EmbeddedLayout CreateLayout(EmbeddedSettings settings)
    {
        try
        {
            var layout = new EmbeddedLayout(settings.DataFolder);
            layout.Create();
            return layout;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException(EmbeddedSettings.DataKey, settings.DataFolder,
                $"the folder cannot be made: {failure.Message}", failure);
        }
    }

    /// <summary>Adds <see cref="QueuePair"/> and <see cref="IObjectStore"/>.</summary>
    public static IServiceCollection AddEmbeddedEnvironment(
        this IServiceCollection services, Config config, EmbeddedLayout layout)
    {
        var queues = QueueSettings.Create(config);
        return services
            .AddSingleton(layout)
            .AddSingleton<IObjectStore>(new FileObjectStore(layout))
            .AddKeyedSingleton(RequestsKey, (_, _) => Queue(layout.RequestQueue, "requests", queues.Requests))
            .AddKeyedSingleton(ResponsesKey, (_, _) => Queue(layout.ResponseQueue, "responses", queues.Responses))
            .AddSingleton(provider => new QueuePair(
                provider.GetRequiredKeyedService<SqliteMessageQueue>(RequestsKey),
                provider.GetRequiredKeyedService<SqliteMessageQueue>(ResponsesKey)));
    }

    /// <summary>The settings of one of the queues.</summary>
    public static SqliteQueueSettings QueueOf(EmbeddedLayout layout, Config config, bool responses)
    {
        var queues = QueueSettings.Create(config);
        return responses
            ? SettingsOf(layout.ResponseQueue, ResponsesKey, queues.Responses)
            : SettingsOf(layout.RequestQueue, RequestsKey, queues.Requests);
    }

    private const string RequestsKey = "requests";
    private const string ResponsesKey = "responses";

    private static SqliteMessageQueue Queue(string path, string name, QueueLeaseSettings settings) =>
        new(SettingsOf(path, name, settings));

    // The program gives a message up after max-receives; the queue is its safety net, one receive later.
    private static SqliteQueueSettings SettingsOf(string path, string name, QueueLeaseSettings settings) =>
        new(path, name, settings.MaxReceives + 1);
}
