using Amazon;
using Amazon.EC2;
using Amazon.KeyManagementService;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.SQS;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>Creates the clients of the AWS SDK with the time limits, retries and endpoints that this program needs. The
/// program has one such object, which owns the connections.</summary>
public sealed class AwsClients : IDisposable
{
    // A client must wait longer than the longest poll, or it would lose the poll's messages.
    private static readonly TimeSpan PollMargin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan KeyTimeout = TimeSpan.FromSeconds(10);

    // Enough to send eight megabytes over a slow line and receive the headers of the answer.
    private static readonly TimeSpan StoreTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FleetTimeout = TimeSpan.FromSeconds(30);

    private const int Retries = 3;

    private readonly AwsSettings _settings;
    private readonly AWSCredentials? _credentials;
    private readonly List<IDisposable> _owned = [];

    /// <summary>Creates the factory. It opens no connection yet.</summary>
    /// <param name="settings">The region and the endpoints.</param>
    /// <param name="credentials">The credentials; null for the SDK's own chain: variables, profiles, the role of the
    /// machine.</param>
    public AwsClients(AwsSettings settings, AWSCredentials? credentials = null)
    {
        _settings = settings;
        _credentials = credentials;
    }

    /// <summary>Counts the requests of all these clients.</summary>
    public AwsRequestCounter Requests { get; } = new();

    /// <summary>Creates a client of SQS.</summary>
    /// <param name="longestWait">The longest poll of the client; at most 20 s. The client's time limit is ten seconds
    /// longer.</param>
    /// <exception cref="InvalidSettingException">Nothing names a region.</exception>
    public IAmazonSQS Sqs(TimeSpan longestWait)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(longestWait, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(longestWait, LongestPoll);
        var config = new AmazonSQSConfig();
        Configure(config, "SQS", longestWait + PollMargin, _settings.Endpoints.Sqs);
        return Create(() =>
            _credentials is null ? new AmazonSQSClient(config) : new AmazonSQSClient(_credentials, config));
    }

    /// <summary>Creates a client of KMS. Its address is AWS's own, or that in <c>AWS_ENDPOINT_URL_KMS</c>.</summary>
    /// <exception cref="InvalidSettingException">Nothing names a region.</exception>
    public IAmazonKeyManagementService Kms()
    {
        var config = new AmazonKeyManagementServiceConfig();
        Configure(config, "KMS", KeyTimeout, endpoint: null);
        return Create(() => _credentials is null
            ? new AmazonKeyManagementServiceClient(config)
            : new AmazonKeyManagementServiceClient(_credentials, config));
    }

    /// <summary>Creates a client of S3.</summary>
    /// <exception cref="InvalidSettingException">Nothing names a region.</exception>
    public IAmazonS3 S3()
    {
        var config = new AmazonS3Config();
        Configure(config, "S3", StoreTimeout, _settings.Endpoints.S3);
        // S3 verifies what it stores by the signed hash. TLS guards what it sends, and a picture that arrives damaged costs one
        // job.
        config.RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED;
        config.ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED;
        // Services other than AWS rarely have a host name for each bucket.
        config.ForcePathStyle = _settings.Endpoints.S3 is not null || IsInVariables("S3");
        return Create(() =>
            _credentials is null ? new AmazonS3Client(config) : new AmazonS3Client(_credentials, config));
    }

    /// <summary>Creates a client of EC2.</summary>
    /// <exception cref="InvalidSettingException">Nothing names a region.</exception>
    public IAmazonEC2 Ec2()
    {
        var config = new AmazonEC2Config();
        Configure(config, "EC2", FleetTimeout, _settings.Endpoints.Ec2);
        return Create(() =>
            _credentials is null ? new Ec2Client(config) : new Ec2Client(_credentials, config));
    }

    /// <summary>Closes all clients and their connections.</summary>
    public void Dispose()
    {
        foreach (var owned in Enumerable.Reverse(_owned)) owned.Dispose();
        _owned.Clear();
    }

    private void Configure(ClientConfig config, string service, TimeSpan timeout, Uri? endpoint)
    {
        if (endpoint is not null)
        {
            config.ServiceURL = endpoint.ToString();
            // The SDK cannot derive the region of the signature from such an address.
            config.AuthenticationRegion = _settings.Region ?? AmbientRegion();
        }
        else if (_settings.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        config.RetryMode = RequestRetryMode.Standard;
        config.MaxErrorRetry = Retries;
        config.ClientAppId = "ImageClassifier";
        config.Timeout = timeout;
        config.HttpClientFactory = Own(new AwsHttp(service, timeout, Requests));
    }

    private static string AmbientRegion() =>
        FallbackRegionFactory.GetRegionEndpoint(includeInstanceMetadata: false)?.SystemName ?? "us-east-1";

    private static bool IsInVariables(string service) =>
        !string.IsNullOrEmpty(Environment.GetEnvironmentVariable($"AWS_ENDPOINT_URL_{service}"))
        || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL"));

    private T Create<T>(Func<T> create) where T : IDisposable
    {
        try
        {
            return Own(create());
        }
        catch (AmazonClientException failure)
        {
            throw new InvalidSettingException(AwsSettings.RegionKey, _settings.Region,
                "neither it nor AWS_REGION, nor a profile, nor the machine names a region", failure);
        }
    }

    private T Own<T>(T owned) where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
