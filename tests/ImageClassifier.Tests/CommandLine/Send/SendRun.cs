using System.Text.Json;
using ImageClassifier.Host.CommandLine.Send;
using ImageClassifier.Streams;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Tests.Web.Http;

namespace ImageClassifier.Tests.CommandLine.Send;

/// <summary>Runs of <c>send</c> with files of their own.</summary>
internal sealed class SendRun : IDisposable
{
    private static readonly SendLimits Quick = SendLimits.Default with
    {
        ChunkFiles = 2,
        Retries = new RetryPolicy(5, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(10)),
    };

    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _states = new();

    /// <summary>The folder of the files.</summary>
    public string Folder => _folder.Path;

    /// <summary>The state files that no option named.</summary>
    public string[] StateFiles => Directory.GetFiles(_states.Path);

    /// <summary>A state file.</summary>
    public string State => Path.Combine(_states.Path, "named");

    /// <summary>Standard output of the last run.</summary>
    public string Output { get; private set; } = "";

    /// <summary>Standard error of the last run.</summary>
    public string Error { get; private set; } = "";

    /// <summary>The lines of <c>--json</c>.</summary>
    public IReadOnlyList<JsonElement> Lines =>
    [
        .. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line)),
    ];

    /// <summary>The names of the files in the output, in order of their names.</summary>
    public IEnumerable<string> Names => Lines.Select(line => Path.GetFileName(File(line))).Order(StringComparer.Ordinal);

    public SendLimits Limits { get; set; } = Quick;

    public TimeProvider Time { get; set; } = TimeProvider.System;

    public string Input { get; set; } = "";

    public static string File(JsonElement line) => line.GetProperty("file").GetString()!;

    public static string? Text(JsonElement line, string name) =>
        line.TryGetProperty(name, out var value) ? value.GetString() : null;

    /// <summary>The line of a file, by its name.</summary>
    public JsonElement Line(string name) => Lines.Single(line => Path.GetFileName(File(line)) == name);

    /// <summary>Writes a file.</summary>
    public string Write(Upload file)
    {
        var path = Path.Combine(Folder, file.FileName);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllBytes(path, file.Content);
        return path;
    }

    /// <summary>The options for the service of a tier, with JSON lines.</summary>
    public static SendOptions Options(RunningWebTier tier, params string[] paths) => new(
        paths, Recursive: false, tier.Address.ToString(), KeyFile: null, Resume: null, Json: true, Csv: null,
        new Dictionary<string, string>());

    public async Task<int> RunAsync(
        SendOptions options, HttpMessageHandler? handler = null, CancellationToken cancellation = default)
    {
        using var input = new StringReader(Input);
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var real = ServiceClient.CreateHandler();
        if (handler is DelegatingHandler { InnerHandler: null } outer) outer.InnerHandler = real;
        var verb = new SendVerb(
            new SendStreams(input, output, error, Width: null, Progress: null), handler ?? real, Limits, _states.Path, Time);
        try
        {
            return await verb.RunAsync(options, cancellation);
        }
        finally
        {
            Output = output.ToString();
            Error = error.ToString();
        }
    }

    public void Dispose()
    {
        _folder.Dispose();
        _states.Dispose();
    }
}
