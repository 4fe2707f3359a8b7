using System.Xml.Linq;
using ImageClassifier.Testing.Emulator;
using Xunit;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>The environment <c>aws</c> on an emulator of SQS and S3, with app nodes as processes.</summary>
internal sealed class EmulatedAws : IAsyncDisposable
{
    public const string Bucket = "end-to-end";
    public const string Region = "eu-central-1";

    /// <summary>The variables of every started program: invented credentials, because the emulator accepts any. So no
    /// program finds those of the machine.</summary>
    public static IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string>
    {
        ["AWS_ACCESS_KEY_ID"] = "emulated",
        ["AWS_SECRET_ACCESS_KEY"] = "emulated",
        ["AWS_EC2_METADATA_DISABLED"] = "true",
    };

    private readonly FauxqsEmulator _emulator;
    private readonly HttpClient _http = new();

    private EmulatedAws(FauxqsEmulator emulator) => _emulator = emulator;

    /// <summary>The settings that lead the program to the emulator, without the prefix image-classifier.</summary>
    public IReadOnlyList<string> Connection =>
    [
        "environment=aws", "fleet.kind=processes", $"aws.region={Region}", $"aws.s3.bucket={Bucket}",
        $"aws.sqs.service-url={_emulator.Endpoint}", $"aws.s3.service-url={_emulator.Endpoint}",
    ];

    /// <summary>The settings of the program, without the prefix image-classifier.</summary>
    public IReadOnlyList<string> Settings =>
    [
        .. Connection,
        "scaling.policy=per-image", "scaling.max-instances=2",
        "node.polling.wait-time=1s", "node.classification.threads=1", "node.polling.decoders=2",
        // The minimum charge of EC2 does not apply to processes, so they need not use it up.
        "node.termination.min-lifetime=0s",
    ];

    /// <summary>The settings as arguments.</summary>
    public IEnumerable<string> Arguments =>
        Settings.SelectMany(setting => new[] { "--set", $"image-classifier.{setting}" });

    /// <summary>The address of SQS and S3.</summary>
    public Uri Endpoint => _emulator.Endpoint;

    /// <summary>The process of the emulator.</summary>
    public int ProcessId => _emulator.ProcessId;

    /// <summary>Starts an emulator without queues and bucket. Skips the running test if it is not installed.</summary>
    public static async Task<EmulatedAws> StartAsync() => new(await FauxqsEmulator.StartAsync());

    /// <summary>Runs aws provision, which creates the queues and the bucket.</summary>
    public async Task ProvisionAsync()
    {
        var (exitCode, output, error) = await BuiltProgram.RunAsync(["aws", "provision", .. Arguments]);
        Assert.True(exitCode == 0, $"{output}\n{error}");
        Assert.Contains($"created bucket {Bucket}", output, StringComparison.Ordinal);
    }

    /// <summary>The keys of the bucket with a prefix.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(string prefix)
    {
        var keys = new List<string>();
        string? more = "";
        while (more is not null)
        {
            var next = more.Length > 0 ? $"&continuation-token={Uri.EscapeDataString(more)}" : "";
            var listing = XDocument.Parse(await _http.GetStringAsync(
                new Uri(_emulator.Endpoint, $"/{Bucket}?list-type=2&prefix={Uri.EscapeDataString(prefix)}{next}")));
            keys.AddRange(Values("Key"));
            more = Values("NextContinuationToken").SingleOrDefault();

            IEnumerable<string> Values(string name) => listing.Descendants()
                .Where(element => element.Name.LocalName == name)
                .Select(element => element.Value);
        }

        return keys;
    }

    /// <summary>An object of the bucket.</summary>
    public Task<byte[]> ReadAsync(string key) => _http.GetByteArrayAsync(new Uri(_emulator.Endpoint, $"/{Bucket}/{key}"));

    /// <summary>Replaces an object of the bucket.</summary>
    public async Task WriteAsync(string key, string text)
    {
        using var content = new StringContent(text);
        using var answer = await _http.PutAsync(new Uri(_emulator.Endpoint, $"/{Bucket}/{key}"), content);
        answer.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _emulator.DisposeAsync();
    }
}
