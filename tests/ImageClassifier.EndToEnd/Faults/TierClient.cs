using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>Clients of several web nodes behind a proxy. A WebSocket and an event stream follow each batch. For each
/// batch, one more picture is sent by a request that waits for its label.</summary>
internal sealed class TierClient(Uri address, CancellationToken limit) : IDisposable
{
    private const int UploadsAtOnce = 2;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(75);

    private readonly PersistentClient _client = new(address, limit);
    private readonly HttpClient _http = new() { BaseAddress = address, Timeout = RequestLimit };
    private readonly ConcurrentQueue<FollowedBatch> _streamed = [];
    private readonly ConcurrentQueue<Task> _following = [];
    private readonly ConcurrentQueue<Task> _uploading = [];
    private readonly ConcurrentQueue<string> _broken = [];
    private int _refused;

    /// <summary>The number of accepted jobs whose result arrived over a WebSocket.</summary>
    public int Seen => _client.Seen;

    /// <summary>Why each request without an answer of the service failed.</summary>
    public IEnumerable<string> Broken => [.. _client.BrokenUploads, .. _broken];

    /// <summary>The number of requests that were refused with a time to retry.</summary>
    public int Refused => _client.RefusedUploads + _refused;

    /// <summary>Uploads each batch until it is accepted.</summary>
    public Task UploadAllAsync(IEnumerable<TestPicture[]> batches)
    {
        var uploading = UploadAsync(batches);
        _uploading.Enqueue(uploading);
        return uploading;
    }

    private Task UploadAsync(IEnumerable<TestPicture[]> batches) => Parallel.ForEachAsync(
        batches,
        new ParallelOptions { MaxDegreeOfParallelism = UploadsAtOnce, CancellationToken = limit },
        async (pictures, _) =>
        {
            var batch = await _client.UploadAsync(pictures);
            var streamed = new FollowedBatch(batch);
            _streamed.Enqueue(streamed);
            _following.Enqueue(FollowStreamAsync(streamed));
            _following.Enqueue(ClassifyAsync(pictures[0]));
        });

    /// <summary>A failure of this task also fails the waits for results.</summary>
    public void AlsoWatch(Task watched) => _uploading.Enqueue(watched);

    /// <summary>Waits for more results than there are now.</summary>
    public Task ResultsAsync(int more)
    {
        var wanted = _client.Seen + more;
        return Until.HoldsAsync(
            () =>
            {
                limit.ThrowIfCancellationRequested();
                _client.ThrowIfFailed();
                if (_uploading.Concat(_following).FirstOrDefault(task => task.IsFaulted) is { Exception: { } failure })
                    throw failure;
                return _client.Seen >= wanted;
            },
            RequestLimit,
            () => $"Timed out waiting for {wanted} results.");
    }

    /// <summary>Waits until every client has all its results.</summary>
    public async Task FollowedAsync()
    {
        await _client.FollowedAsync();
        await Task.WhenAll(_following);
    }

    /// <summary>Asserts that each picture has one result, and that all clients have the same result.</summary>
    public async Task AssertNothingIsLostAsync(int pictures)
    {
        Assert.Equal(pictures, _client.Seen);
        Assert.Equal(pictures, _streamed.Sum(batch => batch.Results.Count));
        foreach (var (batch, streamed) in _client.Batches.OrderBy(batch => batch.Id)
            .Zip(_streamed.OrderBy(batch => batch.Id)))
        {
            var answer = await _client.GetAsync($"/api/batches/{batch.Id}");
            var jobs = answer.GetProperty("jobs").EnumerateArray()
                .ToDictionary(job => job.GetProperty("jobId").GetString()!);
            Assert.Equal(batch.Jobs.Order(), jobs.Keys.Order());
            foreach (var (id, job) in jobs)
            {
                Assert.True(job.GetProperty("status").GetString() == "classified", $"It is a good picture: {job}");
                batch.AssertSame(id, job);
                streamed.AssertSame(id, job);
            }
        }
    }

    /// <summary>Waits until no work is left.</summary>
    public Task EmptyAsync() => Until.HoldsAsync(
        async () => (await _client.GetAsync("/api/fleet")).GetProperty("backlog").GetInt32() == 0,
        RequestLimit,
        () => "Messages are left on the request queue.");

    public void Dispose()
    {
        _client.Dispose();
        _http.Dispose();
    }

    private async Task FollowStreamAsync(FollowedBatch batch)
    {
        string? after = null;
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/batches/{batch.Id}/events");
                if (after is not null) request.Headers.Add("Last-Event-ID", after);
                using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit);
                Assert.False(answer.StatusCode == HttpStatusCode.NotFound, $"Batch {batch.Id} is missing.");
                if (answer.StatusCode == HttpStatusCode.OK)
                {
                    await using var stream = await answer.Content.ReadAsStreamAsync(limit);
                    await foreach (var item in SseParser.Create(stream).EnumerateAsync(limit))
                    {
                        after = item.EventId ?? after;
                        var data = JsonSerializer.Deserialize<JsonElement>(item.Data);
                        if (data.GetProperty("type").GetString() == "complete")
                        {
                            Assert.Equal(batch.Jobs.Order(), batch.Results.Keys.Order());
                            return;
                        }

                        batch.RecordResult(data.GetProperty("id").GetString()!, data.GetProperty("job"));
                    }
                }
            }
            catch (Exception failure) when (IsBroken(failure))
            {
            }

            await Task.Delay(Pause, TimeProvider.System, limit);
        }
    }

    /// <summary>Sends a picture by a waiting request, and repeats it until the label arrives.</summary>
    private async Task ClassifyAsync(TestPicture picture)
    {
        var key = Guid.NewGuid().ToString();
        while (true)
        {
            try
            {
                using var form = ServiceClient.Form([(picture.Name, picture.Bytes)]);
                using var request = new HttpRequestMessage(HttpMethod.Post, "/api/classify") { Content = form };
                request.Headers.Add("Idempotency-Key", key);
                request.Headers.Add("Accept", "application/json");
                using var answer = await _http.SendAsync(request, limit);
                if (answer.StatusCode == HttpStatusCode.OK)
                {
                    var job = await answer.Content.ReadFromJsonAsync<JsonElement>(limit);
                    Assert.Equal("classified", job.GetProperty("status").GetString());
                    return;
                }

                if (answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.ServiceUnavailable)
                    Interlocked.Increment(ref _refused);
                else if (answer.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout)
                    _broken.Enqueue($"waiting request: {answer.StatusCode}");
                else
                    Assert.Fail($"A waiting request was answered {answer.StatusCode}.");
            }
            catch (Exception failure) when (IsBroken(failure))
            {
                _broken.Enqueue($"waiting request: {failure}");
            }

            await Task.Delay(Pause, TimeProvider.System, limit);
        }
    }

    private bool IsBroken(Exception failure) => !limit.IsCancellationRequested
        && failure is HttpRequestException or IOException or OperationCanceledException;
}
