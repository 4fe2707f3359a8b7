using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using Xunit;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>The calls of a client of the service.</summary>
internal static class ServiceClient
{
    /// <summary>Uploads pictures as one batch.</summary>
    /// <returns>The body of the 202 answer.</returns>
    public static async Task<JsonElement> UploadAsync(this RunningService service, IEnumerable<TestPicture> pictures)
    {
        using var form = Form(pictures.Select(picture => (picture.Name, picture.Bytes)));
        using var answer = await service.Http.PostAsync("/api/batches", form);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>The batch id in the body of a 202 answer.</summary>
    public static string BatchId(JsonElement accepted) => accepted.GetProperty("batchId").GetString()!;

    /// <summary>Asserts that each accepted job came back exactly once.</summary>
    public static void AssertOnceEach(JsonElement accepted, IReadOnlyList<JsonElement> jobs) => Assert.Equal(
        accepted.GetProperty("jobs").EnumerateArray().Select(job => job.GetProperty("jobId").GetString()).Order(),
        jobs.Select(job => job.GetProperty("jobId").GetString()).Order());

    public static MultipartFormDataContent Form(IEnumerable<(string Name, byte[] Bytes)> files, string field = "files")
    {
        var form = new MultipartFormDataContent();
        foreach (var (name, bytes) in files)
        {
            var part = new ByteArrayContent(bytes);
            part.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            form.Add(part, field, name);
        }

        return form;
    }

    /// <summary>Follows a batch over the WebSocket until it is complete.</summary>
    /// <returns>The jobs of the result events, in order.</returns>
    public static async Task<IReadOnlyList<JsonElement>> FollowAsync(
        this RunningService service, string batchId, TimeSpan limit)
    {
        using var cancellation = new CancellationTokenSource(limit);
        using var socket = await ConnectAsync(service, $"batch={batchId}", cancellation.Token);
        var jobs = new List<JsonElement>();
        try
        {
            while (await ReceiveAsync(socket, cancellation.Token) is { } received)
            {
                if (received.GetProperty("type").GetString() == "complete") return jobs;
                jobs.Add(received.GetProperty("job"));
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new TimeoutException(
                $"After {limit.TotalSeconds:0} s the socket had {jobs.Count} results:\n"
                + await DescribeAsync(service, batchId, jobs));
        }

        throw new InvalidOperationException("The socket closed before the batch was complete.");
    }

    /// <summary>Follows a batch over the WebSocket until the server closes it.</summary>
    /// <param name="service">The service.</param>
    /// <param name="batchId">The batch.</param>
    /// <param name="after">The id of the last known event; null for all events.</param>
    /// <param name="limit">The time limit.</param>
    /// <returns>The events.</returns>
    public static async Task<IReadOnlyList<JsonElement>> ResumeAsync(
        this RunningService service, string batchId, string? after, TimeSpan limit)
    {
        using var cancellation = new CancellationTokenSource(limit);
        using var socket = await ConnectAsync(
            service, after is null ? $"batch={batchId}" : $"batch={batchId}&after={after}", cancellation.Token);
        var events = new List<JsonElement>();
        while (await ReceiveAsync(socket, cancellation.Token) is { } received) events.Add(received);
        return events;
    }

    /// <summary>What the service knows of the jobs whose results did not arrive, its fleet, and its log.</summary>
    private static async Task<string> DescribeAsync(
        RunningService service, string batchId, IReadOnlyList<JsonElement> arrived)
    {
        var known = arrived.Select(job => job.GetProperty("jobId").GetString()).ToHashSet();
        var batch = await service.GetJsonAsync($"/api/batches/{batchId}");
        var missing = batch.GetProperty("jobs").EnumerateArray()
            .Where(job => !known.Contains(job.GetProperty("jobId").GetString()));
        return $"{string.Join('\n', missing)}\n{await service.GetJsonAsync("/api/fleet")}\n{service.Log}";
    }

    public static async Task<JsonElement> GetJsonAsync(this RunningService service, string path) =>
        await service.Http.GetFromJsonAsync<JsonElement>(path);

    /// <summary>Waits until no app node lives, by the system's processes and by the fleet's report.</summary>
    public static Task FleetEndsAsync(this RunningService service, TimeSpan limit) => Until.HoldsAsync(
        async () =>
        {
            if (service.NodeProcesses().Count > 0) return false;
            var fleet = await service.GetJsonAsync("/api/fleet");
            return fleet.GetProperty("instances").EnumerateArray()
                .All(instance => instance.GetProperty("state").GetString() == "ended");
        },
        limit,
        () => $"App nodes still live:\n{service.Log}");

    /// <summary>Opens a WebSocket on a batch.</summary>
    public static async Task<ClientWebSocket> ConnectAsync(
        RunningService service, string query, CancellationToken cancellation)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(
            new UriBuilder(service.Address) { Scheme = "ws", Path = "/ws", Query = query }.Uri, cancellation);
        return socket;
    }

    /// <summary>The next event of a socket; null if the service closed it.</summary>
    public static async Task<JsonElement?> ReceiveAsync(ClientWebSocket socket, CancellationToken cancellation)
    {
        using var frame = new MemoryStream();
        var buffer = new byte[16 * 1024];
        ValueWebSocketReceiveResult received;
        do
        {
            received = await socket.ReceiveAsync(buffer.AsMemory(), cancellation);
            if (received.MessageType == WebSocketMessageType.Close) return null;
            frame.Write(buffer, 0, received.Count);
        }
        while (!received.EndOfMessage);

        return JsonSerializer.Deserialize<JsonElement>(frame.ToArray());
    }
}
