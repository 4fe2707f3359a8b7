using System.Net;
using System.Net.ServerSentEvents;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Results;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>Calls a service: uploads chunks, and reads the events of batches.</summary>
/// <param name="http">A client that follows no redirects, so that the key goes to this service only.</param>
/// <param name="service">The address of the service, with a slash at its end.</param>
/// <param name="key">The API key; null for none.</param>
/// <param name="silence">The time without a byte or an event after which a connection counts as dead.</param>
/// <param name="note">Receives sentences for the user.</param>
/// <param name="time">The clock of pauses and limits.</param>
internal sealed class ServiceClient(
    HttpClient http, Uri service, string? key, TimeSpan silence, Action<string> note, TimeProvider time)
{
    // A proxy may keep the header Authorization for itself.
    private const string KeyHeader = "X-Api-Key";
    private const string IdempotencyHeader = "Idempotency-Key";
    private const string ProblemPrefix = "urn:image-classifier:";
    private const int LongestReason = 500;

    // A proxy can ask for years. The service is asked again after this time.
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(30);

    private readonly ServerPause _pause = new(time);
    private string? _notedReason;

    /// <summary>The client for <see cref="ServiceClient"/>.</summary>
    public static HttpMessageHandler CreateHandler() => new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(15),
    };

    /// <summary>Uploads files as one batch.</summary>
    /// <param name="chunkKey">The key of the chunk.</param>
    /// <param name="files">The files as they are now.</param>
    /// <param name="sent">Receives the numbers of sent bytes.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <exception cref="ServiceAwayException">A later try can succeed.</exception>
    /// <exception cref="ServiceRefusesException">The service refuses all uploads.</exception>
    public async Task<UploadAnswer> UploadAsync(
        string chunkKey, IReadOnlyList<ChunkFile> files, Action<long> sent, CancellationToken cancellation)
    {
        await _pause.OverAsync(cancellation);
        using var limit = new SilenceLimit(silence, time, cancellation);
        using var request = Request(HttpMethod.Post, "api/batches");
        request.Headers.Add(IdempotencyHeader, chunkKey);
        // A refusal then comes before the pictures are sent.
        request.Headers.ExpectContinue = true;
        request.Content = new ChunkContent(files, bytes =>
        {
            limit.Extend();
            sent(bytes);
        });
        return await CallAsync(limit, async () =>
        {
            using var answer = await http.SendAsync(request, limit.Token);
            var body = await answer.Content.ReadAsStringAsync(limit.Token);
            return AnswerOf(answer, body, files.Count);
        }, cancellation);
    }

    /// <summary>Reads the events of a batch until its last one, or until the connection ends.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="after">The last event that is known; null for none.</param>
    /// <param name="take">Receives the events.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <exception cref="ServiceAwayException">A later try can succeed.</exception>
    public async Task<EventsEnd> ReadEventsAsync(
        string batch, string? after, Action<ServiceEvent> take, CancellationToken cancellation)
    {
        await _pause.OverAsync(cancellation);
        using var limit = new SilenceLimit(silence, time, cancellation);
        var path = $"api/batches/{batch}/events" + (after is null ? "" : $"?after={Uri.EscapeDataString(after)}");
        using var request = Request(HttpMethod.Get, path);
        return await CallAsync(limit, async () =>
        {
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (answer.StatusCode == HttpStatusCode.NoContent) return EventsEnd.Complete;
            if (answer.StatusCode != HttpStatusCode.OK)
                return EndOf(answer, await answer.Content.ReadAsStringAsync(limit.Token));
            await using var stream = await answer.Content.ReadAsStreamAsync(limit.Token);
            try
            {
                await foreach (var item in SseParser.Create(stream).EnumerateAsync(limit.Token))
                {
                    limit.Extend();
                    var received = Read<ServiceEvent>(item.Data);
                    if (received is null || (received.Job is { } job && !IsWhole(job))) throw Foreign();
                    take(received);
                    if (received.Job is null) return EventsEnd.Complete;
                }
            }
            catch (OperationCanceledException) when (limit.IsOver)
            {
                return EventsEnd.Paused;
            }

            return EventsEnd.Closed;
        }, cancellation);
    }

    private HttpRequestMessage Request(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, new Uri(service, path));
        request.Headers.Add("Accept", "application/json, text/event-stream");
        if (key is not null) request.Headers.Add(KeyHeader, key);
        return request;
    }

    private static async Task<T> CallAsync<T>(
        SilenceLimit limit, Func<Task<T>> call, CancellationToken cancellation)
    {
        try
        {
            return await call();
        }
        catch (OperationCanceledException) when (limit.IsOver && !cancellation.IsCancellationRequested)
        {
            throw new ServiceAwayException("nothing was sent or received for too long");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            throw new ServiceAwayException(failure.GetBaseException().Message.TrimEnd('.'), failure);
        }
    }

    private UploadAnswer AnswerOf(HttpResponseMessage answer, string body, int files)
    {
        if (answer.StatusCode == HttpStatusCode.Accepted)
        {
            _notedReason = null;
            return Read<AcceptedUpload>(body) is { BatchId: { } batch, Jobs: { } jobs } && AreOf(files, jobs)
                && BatchId.TryParse(batch, out _)
                ? new UploadAnswer.Accepted(batch, jobs)
                : throw Foreign();
        }

        var problem = Read<Problem>(body);
        if (IsPause(answer, problem)) return new UploadAnswer.Later();
        var reason = ReasonOf(answer, problem);
        return (int)answer.StatusCode switch
        {
            401 => throw new ServiceRefusesException(key is null
                ? $"The service needs a key. Put it into the variable {SendOptions.KeyVariable}, or into a file and give "
                    + "that with --key-file."
                : $"The service does not accept the key. {reason}", tookNothing: true),
            403 => throw new ServiceRefusesException($"The service refuses the upload. {reason}", tookNothing: true),
            >= 300 and < 400 => throw new ServiceRefusesException(
                "The address redirects to another one, and the key and the pictures go only to the address that you give. "
                + $"Give the right one with --server: {answer.Headers.Location}", tookNothing: true),
            404 or 405 => throw Foreign(tookNothing: true),
            < 300 => throw Foreign(),
            413 => new UploadAnswer.TooLarge(reason),
            400 when problem is { Type: $"{ProblemPrefix}nothing-usable", Jobs: { } jobs } && AreOf(files, jobs) =>
                new UploadAnswer.NothingUsable(jobs),
            422 when problem is { Type: $"{ProblemPrefix}idempotency-key-reused" } => new UploadAnswer.Changed(),
            408 or 409 or 429 or >= 500 => throw new ServiceAwayException(reason),
            _ => new UploadAnswer.Refused(reason),
        };
    }

    private EventsEnd EndOf(HttpResponseMessage answer, string body)
    {
        var problem = Read<Problem>(body);
        if (IsPause(answer, problem)) return EventsEnd.Paused;
        return problem?.Type is $"{ProblemPrefix}no-such-batch" or $"{ProblemPrefix}batch-damaged"
            ? EventsEnd.Gone
            : throw new ServiceAwayException(ReasonOf(answer, problem));
    }

    /// <summary>Obeys <c>Retry-After</c>: a number of seconds or a date.</summary>
    private bool IsPause(HttpResponseMessage answer, Problem? problem)
    {
        if ((int)answer.StatusCode is not (409 or 429 or 503) || answer.Headers.RetryAfter is not { } header) return false;
        var wait = header.Delta ?? header.Date - time.GetUtcNow() ?? TimeSpan.Zero;
        if (wait < TimeSpan.FromSeconds(1)) wait = TimeSpan.FromSeconds(1);
        if (wait > LongestPause) wait = LongestPause;
        _pause.Ask(wait);
        var reason = ReasonOf(answer, problem);
        // All calls are answered so, perhaps for hours.
        if (Interlocked.Exchange(ref _notedReason, reason) != reason)
            note($"The service asks to wait {Math.Ceiling(wait.TotalSeconds):0} s: {reason}");
        return true;
    }

    private static string ReasonOf(HttpResponseMessage answer, Problem? problem) => UntrustedText.ForMessage(
        problem is { Title: { } title }
            ? $"{title} {problem.Detail}".TrimEnd()
            : $"It answered {(int)answer.StatusCode} ({answer.ReasonPhrase}).",
        LongestReason);

    private ServiceRefusesException Foreign(bool tookNothing = false) => new(
        $"{service} does not answer like this service. Check the address of --server.", tookNothing);

    private static bool AreOf(int files, IReadOnlyList<JobDocument> jobs) => jobs.Count == files && jobs.All(IsWhole);

    // A list of JSON can contain null, whatever its type says.
    private static bool IsWhole(JobDocument? job) => job is not null && job.Predictions?.Contains(null!) != true;

    private static T? Read<T>(string json) where T : class => WireJson.TryRead<T>(json);

    private sealed record AcceptedUpload(string? BatchId, IReadOnlyList<JobDocument>? Jobs);

    private sealed record Problem(string? Type, string? Title, string? Detail, IReadOnlyList<JobDocument>? Jobs);
}
