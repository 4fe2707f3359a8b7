using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ImageClassifier.Core;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Scaling;
using Xunit;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Tests.Web.Api;

/// <summary>An example of a call: a command, and what it was answered.</summary>
/// <param name="Command">The command. Its pictures are <see cref="ApiExamples.Files"/>.</param>
/// <param name="Parameters">The values of the call's parameters.</param>
internal sealed record ApiExample(string Command, IReadOnlyDictionary<string, string> Parameters)
{
    /// <summary>The type of the answer's body; null if there is none to show.</summary>
    public string? ContentType { get; init; }

    /// <summary>The answer's body.</summary>
    public JsonNode? Body { get; init; }

    /// <summary>The JSON that was sent; null if a form or nothing was sent.</summary>
    public JsonNode? Sent { get; init; }

    /// <summary>The body, if the answer was of this type.</summary>
    public JsonNode? BodyOf(string contentType) => contentType == ContentType ? Body : null;
}

/// <summary>Sends the examples of the API's description to a tier, one for each call, and shows what was answered. Ids,
/// times and the like, which differ each time, are replaced by fixed ones.</summary>
internal sealed partial class ApiExamples
{
    /// <summary>The time of everything in the examples.</summary>
    public const string Time = "2026-01-31T12:00:00+00:00";

    /// <summary>The name of the example that sends a document instead of a form.</summary>
    public static string WithDocument(string call) => $"{call} by document";

    private const string Server = "http://127.0.0.1:5000";
    private const string Epoch = "k3v9";
    private const string Model = "mobilenet-v2";

    private static readonly DateTimeOffset Noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly string ModelHash = Convert.ToHexStringLower(SHA256.HashData("an example"u8));

    private static readonly Dictionary<string, Upload> Files = new()
    {
        ["cat.jpg"] = Upload.Jpeg("cat.jpg", "tabby"),
        ["notes.txt"] = new Upload("notes.txt", "not a picture"u8.ToArray()),
    };

    private readonly Dictionary<string, ApiExample> _examples = [];

    // The ids of this run, in the order in which they were seen.
    private readonly List<string> _ids = [];

    /// <summary>The example of a call, by its name.</summary>
    public ApiExample Of(string call) => _examples[call];

    /// <summary>The result of a picture in the examples.</summary>
    public static JobResult Classify(ClassificationRequest request, string label) => new(
        request.Job, request.Batch, request.Attempt, JobStatus.Classified,
        [new Prediction(281, label, 0.87), new Prediction(282, "tiger cat", 0.11)], null,
        new ModelIdentity(Model, ModelHash, 1000), InstanceId.Parse("node-1"), new JobTimings(2.5, 4, 11.5, 18));

    /// <summary>Sends all examples. Each answer must be the one that the description promises.</summary>
    /// <param name="tier">A tier whose nodes answer as <see cref="Classify"/>.</param>
    public static async Task<ApiExamples> SendAsync(RunningWebTier tier)
    {
        var examples = new ApiExamples();
        await examples.SendAsync(tier, "uploadBatch", $"curl -F files=@cat.jpg -F files=@notes.txt {Server}/api/batches");
        var (batch, job) = (Fixed(0), Fixed(1));
        var address = $"{Server}/api/batches/{batch}";
        await examples.SendAsync(tier, "getEvents", $"curl -N {address}/events", ("batchId", batch));
        await examples.ConnectAsync(tier, "openSocket", batch);
        await examples.SendAsync(tier, "getBatch", $"curl {address}", ("batchId", batch));
        await examples.SendAsync(tier, "getImage", $"curl -O {address}/images/{job}", ("batchId", batch), ("jobId", job));
        await examples.SendAsync(tier, "deleteBatch", $"curl -X DELETE {address}", ("batchId", batch));
        await examples.SendAsync(
            tier, "classify", $"curl -F file=@cat.jpg -H 'Accept: application/json' {Server}/api/classify");
        await examples.SendAsync(tier, "label", $"curl -F file=@cat.jpg {Server}/");
        await examples.SendAsync(tier, "isLive", $"curl {Server}/health/live");
        await examples.SendAsync(tier, "isServing", $"curl {Server}/health/serving");
        await examples.SendAsync(tier, "isReady", $"curl {Server}/health/ready");
        await examples.SendAsync(tier, WithDocument("uploadBatch"),
            """curl -H 'Content-Type: application/json' -d '{"pictures":[{"url":"https://example.com/cat.jpg"}]}' """
            + $"{Server}/api/batches");
        await examples.SendAsync(tier, "getFleet", $"curl {Server}/api/fleet");
        // The fleet of a test differs each time.
        examples._examples["getFleet"] = examples.Of("getFleet") with { Body = JsonNode.Parse(WireJson.Write(Fleet())) };
        return examples;
    }

    private async Task SendAsync(
        RunningWebTier tier, string call, string command, params (string Name, string Value)[] parameters)
    {
        using var request = RequestOf(ToThisRun(command));
        using var answer = await tier.Client.SendAsync(request, tier.InTime);
        var body = await answer.Content.ReadAsStringAsync(tier.InTime);
        Assert.True(answer.IsSuccessStatusCode, $"{command}: {(int)answer.StatusCode} {body}");
        var type = answer.Content.Headers.ContentType?.MediaType;
        _examples[call] = new ApiExample(command, parameters.ToDictionary(value => value.Name, value => value.Value))
        {
            ContentType = type,
            Sent = request.Content is StringContent
                ? JsonNode.Parse(await request.Content.ReadAsStringAsync(tier.InTime))
                : null,
            Body = type switch
            {
                "application/json" => JsonNode.Parse(ToExample(body)),
                // The schema is that of an event's data.
                "text/event-stream" => JsonNode.Parse(ToExample(FirstData().Match(body).Groups["data"].Value)),
                "text/plain" => ToExample(body),
                _ => null,
            },
        };
    }

    private async Task ConnectAsync(RunningWebTier tier, string call, string batch)
    {
        using var socket = new ClientWebSocket();
        var address = new UriBuilder(tier.Address) { Scheme = "ws", Path = "/ws", Query = $"batch={ToThisRun(batch)}" };
        await socket.ConnectAsync(address.Uri, tier.InTime);
        var buffer = new byte[4096];
        var frame = await socket.ReceiveAsync(buffer, tier.InTime);
        Assert.True(frame.EndOfMessage);
        _examples[call] = new ApiExample(
            $"websocat ws://127.0.0.1:5000/ws?batch={batch}", new Dictionary<string, string> { ["batch"] = batch })
        {
            ContentType = "application/json",
            Body = JsonNode.Parse(ToExample(Encoding.UTF8.GetString(buffer, 0, frame.Count))),
        };
    }

    /// <summary>The request that curl would send.</summary>
    private static HttpRequestMessage RequestOf(string command)
    {
        var words = Word().Matches(command).Select(word => word.Value.Trim('\'')).ToArray();
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(words[^1]).PathAndQuery);
        var files = new List<(string Field, Upload File)>();
        for (var i = 1; i < words.Length - 1; i++)
        {
            switch (words[i])
            {
                case "-F":
                    var field = words[++i].Split("=@");
                    files.Add((field[0], Files[field[1]]));
                    break;
                case "-H":
                    // The type is that of the document.
                    if (words[++i].Split(": ") is [not "Content-Type" and var name, var value])
                        request.Headers.Add(name, value);
                    break;
                case "-d":
                    request.Method = HttpMethod.Post;
                    request.Content = new StringContent(
                        words[++i], Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
                    break;
                case "-X":
                    request.Method = new HttpMethod(words[++i]);
                    break;
            }
        }

        if (files.Count == 0) return request;
        var form = new MultipartFormDataContent();
        foreach (var (field, file) in files)
        {
            var part = new ByteArrayContent(file.Content);
            part.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            form.Add(part, field, file.FileName);
        }

        request.Method = HttpMethod.Post;
        request.Content = form;
        return request;
    }

    private string ToThisRun(string text) => Id().Replace(text, id => Enumerable.Range(0, _ids.Count)
        .Where(i => Fixed(i) == id.Value).Select(i => _ids[i]).SingleOrDefault() ?? id.Value);

    private string ToExample(string text)
    {
        text = Id().Replace(text, id =>
        {
            if (!_ids.Contains(id.Value)) _ids.Add(id.Value);
            return Fixed(_ids.IndexOf(id.Value));
        });
        text = EventPosition().Replace(text, $"\"id\":\"{Epoch}-$1\"");
        return AnyTime().Replace(text, Time);
    }

    private static string Fixed(int id) =>
        Convert.ToHexStringLower(SHA256.HashData([(byte)id]))[..32];

    private static FleetEndpoint.FleetDocument Fleet()
    {
        var model = new ModelIdentity(Model, ModelHash, 1000);
        var node = InstanceId.Parse("node-1");
        var fleet = new FleetStatus(
            4, 12, 8, TimeSpan.FromMilliseconds(18), TimeSpan.FromSeconds(1.5),
            [
                new TrackedInstance(
                    new FleetInstance(node, InstanceState.Running, Noon, Noon.AddSeconds(1.5), null),
                    InstanceState.Running, Noon.AddSeconds(10),
                    new NodeRecord(node, InstanceState.Running, 480, 55, model)
                    {
                        Arrangement = new RunArrangement(2, 1, 8) { PicturesPerSecond = 90 },
                    }),
            ],
            [
                new DecisionRecord(
                    Noon, Noon, DecisionOutcome.Launched, null,
                    new ScalingSnapshot(
                        500, 0, new FleetCount(0, 0, 0), TimeSpan.FromMilliseconds(18), TimeSpan.FromSeconds(1.5), []),
                    1, 1, "500 pictures wait. One node can finish them in time."),
            ])
        {
            Models = [new ModelFigures(model, Noon, 479, 1, 412)],
        };
        return FleetEndpoint.FleetDocument.Of(fleet, null, new KnownModels(model, null), AllowedFormats.Default);
    }

    [GeneratedRegex("'[^']*'|[^ ]+")]
    private static partial Regex Word();

    [GeneratedRegex("(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")]
    private static partial Regex Id();

    [GeneratedRegex("\"id\":\"[^\"]+-([0-9]+)\"")]
    private static partial Regex EventPosition();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")]
    private static partial Regex AnyTime();

    [GeneratedRegex("^data: (?<data>.*)$", RegexOptions.Multiline)]
    private static partial Regex FirstData();
}
