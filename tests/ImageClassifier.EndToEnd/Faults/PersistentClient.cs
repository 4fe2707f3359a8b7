using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>A client that outlives the service's faults: it uploads again under the same <c>Idempotency-Key</c> until
/// the batch is accepted, and follows each batch over WebSockets, each from where the last one broke off.</summary>
/// <param name="address">Where the service is, in all its lives.</param>
/// <param name="limit">When it gives up.</param>
internal sealed class PersistentClient(Uri address, CancellationToken limit) : IDisposable
{
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly HttpClient _http = new() { BaseAddress = address, Timeout = RequestLimit };
    private readonly ConcurrentQueue<FollowedBatch> _batches = [];
    private readonly ConcurrentQueue<Task> _following = [];
    private int _uploadsUnderWay;
    private int _brokenUploads;
    private int _refusedUploads;
    private int _reconnects;

    /// <summary>An upload goes on its way.</summary>
    public event Action? UploadBegins;

    /// <summary>The batches whose 202 has come.</summary>
    public IReadOnlyCollection<FollowedBatch> Batches => _batches;

    /// <summary>Accepted jobs whose result has come.</summary>
    public int Seen => _batches.Sum(batch => batch.Results.Count);

    /// <summary>Accepted jobs whose result has not come.</summary>
    public int Outstanding => _batches.Sum(batch => batch.Jobs.Count - batch.Results.Count);

    /// <summary>The instances that have brought results.</summary>
    public IReadOnlySet<string> Instances => _batches.SelectMany(batch => batch.Results.Values)
        .Select(job => job.GetProperty("instanceId").GetString()!)
        .ToHashSet();

    /// <summary>Uploads that are not accepted yet.</summary>
    public int UploadsUnderWay => _uploadsUnderWay;

    /// <summary>Requests to upload that ended without an answer.</summary>
    public int BrokenUploads => _brokenUploads;

    /// <summary>Requests to upload that were told to come back.</summary>
    public int RefusedUploads => _refusedUploads;

    /// <summary>Sockets that were opened again because the one before ended early.</summary>
    public int Reconnects => _reconnects;

    /// <summary>Uploads pictures as one batch, until it is accepted, and follows it from then on.</summary>
    public async Task<FollowedBatch> UploadAsync(IReadOnlyCollection<TestPicture> pictures)
    {
        var key = Guid.NewGuid().ToString();
        Interlocked.Increment(ref _uploadsUnderWay);
        UploadBegins?.Invoke();
        JsonElement? accepted;
        while ((accepted = await TryUploadAsync(pictures, key)) is null)
        {
        }

        Interlocked.Decrement(ref _uploadsUnderWay);
        var batch = new FollowedBatch(accepted.Value);
        Assert.Equal(pictures.Count, batch.Jobs.Count);
        _batches.Enqueue(batch);
        _following.Enqueue(FollowAsync(batch));
        return batch;
    }

    /// <summary>Awaits that every batch is complete, as its client sees it.</summary>
    public Task FollowedAsync() => Task.WhenAll(_following);

    /// <summary>Throws what went wrong for a client, where something did.</summary>
    public void ThrowIfFailed()
    {
        if (_following.FirstOrDefault(task => task.IsFaulted) is { Exception: { } failure }) throw failure;
    }

    /// <summary>A document of the service, asked for again until it comes.</summary>
    public async Task<JsonElement> GetAsync(string path)
    {
        while (true)
        {
            try
            {
                using var answer = await _http.GetAsync(path, limit);
                if (answer.StatusCode != HttpStatusCode.ServiceUnavailable && !IsOfProxy(answer.StatusCode))
                {
                    Assert.True(answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode}");
                    return await answer.Content.ReadFromJsonAsync<JsonElement>(limit);
                }
            }
            catch (Exception failure) when (IsBroken(failure))
            {
            }

            await Task.Delay(Pause, TimeProvider.System, limit);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonElement?> TryUploadAsync(IEnumerable<TestPicture> pictures, string key)
    {
        var pause = Pause;
        try
        {
            using var form = ServiceClient.Form(pictures.Select(picture => (picture.Name, picture.Bytes)));
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/batches") { Content = form };
            request.Headers.Add("Idempotency-Key", key);
            using var answer = await _http.SendAsync(request, limit);
            if (answer.StatusCode == HttpStatusCode.Accepted)
                return await answer.Content.ReadFromJsonAsync<JsonElement>(limit);

            Assert.True(
                answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.ServiceUnavailable
                    || IsOfProxy(answer.StatusCode),
                $"An upload was answered {answer.StatusCode}: {await answer.Content.ReadAsStringAsync(limit)}");
            Interlocked.Increment(ref IsOfProxy(answer.StatusCode) ? ref _brokenUploads : ref _refusedUploads);
            pause = answer.Headers.RetryAfter?.Delta ?? pause;
        }
        catch (Exception failure) when (IsBroken(failure))
        {
            Interlocked.Increment(ref _brokenUploads);
        }

        await Task.Delay(pause, TimeProvider.System, limit);
        return null;
    }

    private async Task FollowAsync(FollowedBatch batch)
    {
        string? after = null;
        while (true)
        {
            using var socket = new ClientWebSocket();
            socket.Options.CollectHttpResponseDetails = true;
            try
            {
                var query = $"batch={batch.Id}" + (after is null ? "" : $"&after={after}");
                await socket.ConnectAsync(
                    new UriBuilder(address) { Scheme = "ws", Path = "/ws", Query = query }.Uri, limit);
                while (await ServiceClient.ReceiveAsync(socket, limit) is { } received)
                {
                    after = received.GetProperty("id").GetString()!;
                    if (received.GetProperty("type").GetString() == "complete")
                    {
                        Assert.Equal(batch.Jobs.Order(), batch.Results.Keys.Order());
                        return;
                    }

                    batch.RecordResult(after, received.GetProperty("job"));
                }
            }
            catch (WebSocketException) when (!limit.IsCancellationRequested)
            {
                Assert.False(socket.HttpStatusCode == HttpStatusCode.NotFound, $"Batch {batch.Id} is gone.");
            }

            Interlocked.Increment(ref _reconnects);
            await Task.Delay(Pause, TimeProvider.System, limit);
        }
    }

    /// <summary>What a proxy answers when the web node behind it went away.</summary>
    private static bool IsOfProxy(HttpStatusCode status) =>
        status is HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout;

    private bool IsBroken(Exception failure) => !limit.IsCancellationRequested
        && failure is HttpRequestException or IOException or OperationCanceledException;
}
