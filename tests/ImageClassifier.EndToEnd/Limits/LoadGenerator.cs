using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;

namespace ImageClassifier.EndToEnd.Limits;

/// <summary>A fixed number of clients that upload pictures one after the other, each on its own connection and at the
/// rate of a slow line. Most send Expect: 100-continue before the body, as is usual for large bodies. The others just
/// send it. A refused client retries soon, earlier than it is told to.</summary>
internal sealed class LoadGenerator(Uri service, int clients)
{
    /// <summary>The time to send a whole picture.</summary>
    public static readonly TimeSpan Sending = TimeSpan.FromMilliseconds(500);

    private const int ClientsPerOneWithoutExpect = 4;
    private const int Pieces = 10;
    private const int FileBytes = 1 << 20;
    private static readonly TimeSpan PauseOfRefused = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(30);

    private readonly byte[] _picture = Padded();
    private readonly ConcurrentQueue<Answer> _answers = new();

    /// <summary>Uploads until the time is over.</summary>
    /// <returns>All answers.</returns>
    public async Task<IReadOnlyList<Answer>> RunAsync(TimeSpan time)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            MaxConnectionsPerServer = clients,
            Expect100ContinueTimeout = AnswerLimit,
        })
        {
            BaseAddress = service,
            Timeout = AnswerLimit,
        };
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async client =>
        {
            while (clock.Elapsed < time)
            {
                var answer = await UploadAsync(http, expectsContinue: client % ClientsPerOneWithoutExpect != 0);
                _answers.Enqueue(answer);
                if (!answer.IsAccepted) await Task.Delay(PauseOfRefused, TimeProvider.System);
            }
        }));
        return [.. _answers];
    }

    private async Task<Answer> UploadAsync(HttpClient http, bool expectsContinue)
    {
        using var file = new SlowContent(_picture);
        using var form = new MultipartFormDataContent { { file, "file", "picture.jpg" } };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/batches") { Content = form };
        request.Headers.ExpectContinue = expectsContinue;
        var started = Stopwatch.GetTimestamp();
        using var answer = await http.SendAsync(request);
        var took = Stopwatch.GetElapsedTime(started);
        string? batch = null;
        if (answer.StatusCode == HttpStatusCode.Accepted)
            batch = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("batchId").GetString();
        return new Answer(answer.StatusCode, took - file.Paused, batch, answer.Headers.RetryAfter);
    }

    /// <summary>Bytes after the end of a JPEG are ignored.</summary>
    private static byte[] Padded()
    {
        var jpeg = TestPictures.All.First(picture => picture.Name.EndsWith(".jpg", StringComparison.Ordinal)).Bytes;
        return [.. jpeg, .. new byte[FileBytes - jpeg.Length]];
    }

    /// <summary>The answer to an upload.</summary>
    /// <param name="Status">The status.</param>
    /// <param name="Took">From the first byte of the request to the answer, without the client's pauses.</param>
    /// <param name="Batch">The batch, if it was accepted.</param>
    /// <param name="RetryAfter">When to retry.</param>
    public sealed record Answer(
        HttpStatusCode Status, TimeSpan Took, string? Batch, RetryConditionHeaderValue? RetryAfter)
    {
        public bool IsAccepted => Batch is not null;
    }

    private sealed class SlowContent : HttpContent
    {
        private readonly byte[] _bytes;
        private long _paused;

        public SlowContent(byte[] bytes)
        {
            _bytes = bytes;
            Headers.ContentType = new MediaTypeHeaderValue("image/jpeg");
        }

        /// <summary>How long the line, and not the server, delayed the picture.</summary>
        public TimeSpan Paused => TimeSpan.FromTicks(Interlocked.Read(ref _paused));

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            foreach (var piece in _bytes.Chunk(_bytes.Length / Pieces))
            {
                await stream.WriteAsync(piece);
                await stream.FlushAsync();
                var pause = Stopwatch.GetTimestamp();
                await Task.Delay(Sending / Pieces, TimeProvider.System);
                Interlocked.Add(ref _paused, Stopwatch.GetElapsedTime(pause).Ticks);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
