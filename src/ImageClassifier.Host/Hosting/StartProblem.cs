using Akka.Configuration;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Storage;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Hosting;

/// <summary>Tells the web tier why a node ended at its start, by the node's record in the store. A node on its own
/// machine has no other way.</summary>
internal static class StartProblem
{
    /// <summary>The option with the id of a node's instance.</summary>
    public const string InstanceOption = "--instance";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Writes the record if the store allows it. It never fails, because the exit code and standard error also
    /// give the reason.</summary>
    public static async Task LeaveAsync(Config config, InstanceId instance, Exception failure)
    {
        // Another node has this id and its record.
        if (failure is InvalidSettingException { Key: InstanceOption }) return;
        var record = new NodeRecord(instance, InstanceState.Ended, 0, null, null) { Problem = failure.Message };
        try
        {
            using var limit = new CancellationTokenSource(Limit, TimeProvider.System);
            await PutAsync(config, ObjectKeys.Node(instance), WireJson.WriteUtf8(record), limit.Token);
        }
        catch (Exception)
        {
            // The cause may be the store itself, or its settings.
        }
    }

    private static async Task PutAsync(Config config, string key, byte[] record, CancellationToken cancellation)
    {
        if (!EnvironmentSettings.Create(config).IsAws)
        {
            var layout = EmbeddedEnvironment.CreateLayout(EmbeddedSettings.Create(config));
            await new FileObjectStore(layout).PutAsync(key, record, cancellation);
            return;
        }

        var settings = AwsConfiguration.CreateAws(config);
        using var clients = new AwsClients(settings);
        await new S3ObjectStore(clients.S3(), settings.Bucket).PutAsync(key, record, cancellation);
    }
}
