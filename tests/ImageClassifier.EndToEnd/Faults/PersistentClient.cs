using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>A client that survives the service's faults. It repeats an upload with its <c>Idempotency-Key</c> until the
/// batch is accepted. It follows each batch over WebSockets, and resumes after each break.</summary>
/// <param name="address">The address of the service, across all restarts.</param>
/// <param name="limit">The time limit of the client.</param>
internal sealed class PersistentClient(Uri address, CancellationToken limit) : IDisposable
{
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly HttpClient _http = new() { BaseAddress = address, Timeout = RequestLimit };
    private readonly ConcurrentQueue<FollowedBatch> _batches = [];
    private readonly ConcurrentQueue<Task> _following = [];
    private int _uploadsUnderWay;
    private readonly ConcurrentQueue<string> _brokenUploads = [];
    private int _refusedUploads;
    private int _reconnects;

    /// <summary>Called when an upload starts.</summary>
    public event Action? UploadBegins;

    /// <summary>The batches that were accepted with 202.</summary>
    public IReadOnlyCollection<FollowedBatch> Batches => _batches;

    /// <summary>The number of accepted jobs with a result.</summary>
    public int Seen => _batches.Sum(batch => batch.Results.Count);

    /// <summary>The number of accepted jobs without a result.</summary>
    public int Outstanding => _batches.Sum(batch => batch.Jobs.Count - batch.Results.Count);

    /// <summary>The instances that delivered results.</summary>
    public IReadOnlySet<string> Instances => _batches.SelectMany(batch => batch.Results.Values)
        .Select(job => job.GetProperty("instanceId").GetString()!)
        .ToHashSet();

    /// <summary>The number of uploads that are not accepted yet.</summary>
    public int UploadsUnderWay => _uploadsUnderWay;

    /// <summary>Why each upload request without an answer of the service failed.</summary>
    public IReadOnlyCollection<string> BrokenUploads => _brokenUploads;

    /// <summary>The number of upload requests that were refused with a time to retry.</summary>
    public int RefusedUploads => _refusedUploads;

    /// <summary>The number of sockets that were opened again after an early end.</summary>
    public int Reconnects => _reconnects;

    /// <summary>Uploads pictures as one batch until it is accepted, and then follows it.</summary>
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

    /// <summary>Waits until every batch is complete for its client.</summary>
    public Task FollowedAsync() => Task.WhenAll(_following);

    /// <summary>Throws the failure of a client, if there is one.</summary>
    public void ThrowIfFailed()
    {
        if (_following.FirstOrDefault(task => task.IsFaulted) is { Exception: { } failure }) throw failure;
    }

    /// <summary>Reads a document of the service, and retries until it arrives.</summary>
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
            if (IsOfProxy(answer.StatusCode)) _brokenUploads.Enqueue($"upload: {answer.StatusCode}");
            else Interlocked.Increment(ref _refusedUploads);
            pause = answer.Headers.RetryAfter?.Delta ?? pause;
        }
        catch (Exception failure) when (IsBroken(failure))
        {
            _brokenUploads.Enqueue($"upload: {failure}");
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
                Assert.False(socket.HttpStatusCode == HttpStatusCode.NotFound, $"Batch {batch.Id} is missing.");
            }

            Interlocked.Increment(ref _reconnects);
            await Task.Delay(Pause, TimeProvider.System, limit);
        }
    }

    /// <summary>A proxy's answer if the web node behind it has gone.</summary>
    private static bool IsOfProxy(HttpStatusCode status) =>
        status is HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout;

    private bool IsBroken(Exception failure) => !limit.IsCancellationRequested
        && failure is HttpRequestException or IOException or OperationCanceledException;
}
