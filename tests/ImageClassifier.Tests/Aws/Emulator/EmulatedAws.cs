using Amazon.Runtime;
using Amazon.S3;
using Amazon.SQS;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Emulator;
using Xunit;

namespace ImageClassifier.Tests.Aws.Emulator;

/// <summary>One emulator for all tests. Each test has its own queues and bucket in it.</summary>
[CollectionDefinition(Name)]
public sealed class EmulatedAws : IAsyncLifetime, ICollectionFixture<EmulatedAws>
{
    public const string Name = "AWS on an emulator";

    private FauxqsEmulator? _emulator;
    private AwsClients? _clients;

    public Uri Endpoint => Emulator.Endpoint;

    public AwsClients Clients => _clients ??= ClientsOf(Endpoint);

    public IAmazonSQS Sqs => field ??= Clients.Sqs(TimeSpan.FromSeconds(20));

    public IAmazonS3 S3 => field ??= Clients.S3();

    /// <summary>The emulator; null if it is not installed. The tests are then skipped, or fail.</summary>
    private FauxqsEmulator Emulator
    {
        get
        {
            FauxqsEmulator.Require();
            return _emulator ?? throw new InvalidOperationException("The emulator did not start.");
        }
    }

    /// <summary>Clients of services at one address, which accept any credentials.</summary>
    public static AwsClients ClientsOf(Uri endpoint, AWSCredentials? credentials = null) => new(
        Settings(endpoint), credentials ?? new BasicAWSCredentials("no-id", "no-secret"));

    /// <summary>Settings whose names no other test uses.</summary>
    public static AwsSettings Settings(Uri endpoint, string? name = null)
    {
        name ??= $"t-{Guid.NewGuid():n}";
        return new AwsSettings(
            "us-east-1",
            new EndpointOverrides(endpoint.ToString(), endpoint.ToString(), endpoint.ToString()),
            new AwsQueuesSettings(
                Queue(AwsQueuesSettings.RequestsKey, "requests", $"{name}-requests.fifo"),
                Queue(AwsQueuesSettings.ResponsesKey, "responses", $"{name}-responses.fifo")),
            new BucketSettings(name, keyPrefix: "", TimeSpan.FromDays(30)));
    }

    public static AwsQueueSettings Queue(
        string key, string path, string name, TimeSpan? lease = null, int maxReceiveCount = 20) => new(
        key, name,
        $"image-classifier.queues.{path}.lease", lease ?? TimeSpan.FromSeconds(30),
        $"image-classifier.queues.{path}.max-receives", maxReceiveCount);

    public async Task InitializeAsync()
    {
        try
        {
            _emulator = await FauxqsEmulator.StartAsync();
        }
        catch (SkipException)
        {
            // Each test reports it itself.
        }
        catch (Xunit.Sdk.XunitException) when (Requirement.All)
        {
            // Each test fails itself.
        }
    }

    public async Task DisposeAsync()
    {
        _clients?.Dispose();
        if (_emulator is not null) await _emulator.DisposeAsync();
    }
}
