using Akka.Configuration;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Queues;
using ImageClassifier.Adapters.Aws.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.Hosting;

/// <summary>The environment on AWS: queues on SQS and objects on S3. It owns the clients of AWS.</summary>
internal sealed class AwsEnvironment : IDisposable
{
    private readonly QueuePair _queues;
    private readonly IObjectStore _store;
    private readonly IBucketReader _buckets;

    private AwsEnvironment(AwsClients clients, QueuePair queues, IObjectStore store, IBucketReader buckets)
    {
        Clients = clients;
        _queues = queues;
        _store = store;
        _buckets = buckets;
    }

    /// <summary>The clients of AWS.</summary>
    public AwsClients Clients { get; }

    /// <summary>Looks up the queues, so that a wrong name stops the start.</summary>
    /// <exception cref="InvalidSettingException">A setting is wrong, or a queue does not exist.</exception>
    /// <exception cref="QueueUnavailableException">SQS did not answer.</exception>
    public static async Task<AwsEnvironment> OpenAsync(Config config, TimeSpan longestWait, CancellationToken cancellation)
    {
        var settings = AwsConfiguration.CreateAws(config);
        var clients = new AwsClients(settings);
        try
        {
            var queues = await SqsQueueUrls.OpenAsync(
                clients.Sqs(longestWait), settings.Queues, clients.Requests, cancellation);
            return new AwsEnvironment(
                clients, queues, new S3ObjectStore(clients.S3(), settings.Bucket), new S3BucketReader(clients.S3()));
        }
        catch
        {
            clients.Dispose();
            throw;
        }
    }

    /// <summary>Adds <see cref="QueuePair"/>, <see cref="IObjectStore"/> and <see cref="IBucketReader"/>, and logs the
    /// number of their requests.</summary>
    public void AddTo(IServiceCollection services) => services
        .AddSingleton(_queues)
        .AddSingleton(_store)
        .AddSingleton(_buckets)
        .AddHostedService(provider => new AwsRequestReport(
            Clients.Requests, TimeProvider.System, provider.GetRequiredService<ILogger<AwsRequestReport>>()));

    /// <inheritdoc />
    public void Dispose() => Clients.Dispose();
}
