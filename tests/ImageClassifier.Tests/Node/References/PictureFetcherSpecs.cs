using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Akka.Event;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Outbound;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.References;
using ImageClassifier.Streams.Settings;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ImageClassifier.Tests.Node.References;

/// <summary>Fetches from a real server over TLS. Pauses are over at once, and time limits when the test says so.</summary>
public sealed class PictureFetcherSpecs
{
    private const int Largest = 100_000;
    private const string Bucket = "photos";

    private static readonly byte[] Jpeg = [0xFF, 0xD8, 0xFF, 0xE0, .. "cat"u8];

    private static readonly IntakeSettings Intake = new(AllowedFormats.Default, Largest);

    private readonly TestTime _time = new();

    [Fact]
    public async Task A_picture_is_fetched_and_the_request_tells_nothing_about_the_service()
    {
        await using var server = await PictureServer.StartAsync(Answer(Jpeg));
        Assert.Equal(Jpeg, await FetchedAsync(server));
        var headers = Assert.Single(server.Calls);
        Assert.Equal(
            ["Accept", "Accept-Encoding", "Host", "User-Agent"], headers.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("identity", headers.AcceptEncoding.ToString());
        Assert.Equal("image/jpeg, image/png", headers.Accept.ToString());
    }

    [Theory]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(Largest)]
    public async Task A_picture_of_any_allowed_size_arrives_whole(int size)
    {
        var picture = new byte[size];
        Jpeg.CopyTo(picture, 0);
        new Random(1).NextBytes(picture.AsSpan(Jpeg.Length));
        foreach (var isAnnounced in (bool[])[true, false])
        {
            await using var server = await PictureServer.StartAsync(Answer(picture, isAnnounced));
            Assert.Equal(picture, await FetchedAsync(server));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_over_the_limit_is_refused_whatever_its_host_announces(bool isAnnounced)
    {
        var picture = new byte[Largest + 1];
        Jpeg.CopyTo(picture, 0);
        await using var server = await PictureServer.StartAsync(Answer(picture, isAnnounced));
        await FailsAsync(server, JobErrorCodes.TooLarge, "more than 100000 bytes");
    }

    [Fact]
    public async Task An_endless_answer_is_given_up_at_the_limit()
    {
        await using var server = await PictureServer.StartAsync(async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(new byte[4096], context.RequestAborted);
        });
        await FailsAsync(server, JobErrorCodes.TooLarge, "more than 100000 bytes");
    }

    [Theory]
    [InlineData(204, "The address answered 204, which is no picture.")]
    [InlineData(302, "The address answered 302, and redirects are not followed.")]
    [InlineData(403, "The address answered 403. Check")]
    [InlineData(404, "The address answered 404. Check")]
    public async Task Other_answers_fail_at_once(int status, string message)
    {
        await using var server = await PictureServer.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = "https://10.0.0.1/";
            return Task.CompletedTask;
        });
        await FailsAsync(server, JobErrorCodes.NotFetched, message);
        Assert.Single(server.Calls);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task An_overloaded_host_is_asked_three_times(int status)
    {
        await using var server = await PictureServer.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        await FailsAsync(server, JobErrorCodes.NotFetched, $"The address answered {status} several times. ");
        Assert.Equal(3, server.Calls.Count);
        Assert.Equal(2, _time.Pauses.Count);
        Assert.All(_time.Pauses, pause => Assert.InRange(pause, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task A_host_that_recovers_gives_the_picture()
    {
        var answers = 0;
        await using var server = await PictureServer.StartAsync(async context =>
        {
            if (Interlocked.Increment(ref answers) < 3) context.Abort();
            else await context.Response.Body.WriteAsync(Jpeg);
        });
        Assert.Equal(Jpeg, await FetchedAsync(server));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_host_that_hangs_is_given_up_after_two_tries_of_ten_seconds(bool sendsTheBeginning)
    {
        using var asked = new SemaphoreSlim(0);
        await using var server = await PictureServer.StartAsync(async context =>
        {
            if (sendsTheBeginning)
            {
                await context.Response.Body.WriteAsync(Jpeg);
                await context.Response.Body.FlushAsync();
            }

            asked.Release();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        });
        var failing = FailsAsync(server, JobErrorCodes.Unreachable, FetchErrors.Unreachable.Message);
        for (var i = 1; i <= 2; i++)
        {
            await asked.WaitAsync();
            Assert.Equal(TimeSpan.FromSeconds(10), PictureFetcher.Limit);
            _time.PassLimit();
        }

        await failing;
        Assert.Equal(2, server.Calls.Count);
    }

    [Fact]
    public async Task A_picture_that_breaks_off_is_fetched_again_and_then_given_up()
    {
        await using var server = await PictureServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 1000;
            await context.Response.Body.WriteAsync(Jpeg);
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        await FailsAsync(server, JobErrorCodes.Unreachable, FetchErrors.Unreachable.Message);
        Assert.Equal(3, server.Calls.Count);
    }

    [Fact]
    public async Task What_is_no_picture_is_named_with_the_remedy()
    {
        (byte[] File, string Words)[] files =
        [
            ("hello, world"u8.ToArray(), "The file is text, not a picture."),
            ("<!doctype html><html>"u8.ToArray(), "The file is a web page (HTML), not the picture itself."),
            ([0, 0, 0, 0x18, .. "ftypheic\0\0\0\0mif1heic"u8], "The file is a HEIC picture. Export it as JPEG or PNG."),
        ];
        foreach (var (file, words) in files)
        {
            await using var server = await PictureServer.StartAsync(Answer(file));
            await FailsAsync(server, JobErrorCodes.ContentMismatch, words);
        }

        await using var empty = await PictureServer.StartAsync(Answer([]));
        await FailsAsync(empty, JobErrorCodes.Empty, "empty");
        await using var compressed = await PictureServer.StartAsync(context =>
        {
            context.Response.Headers.ContentEncoding = "gzip";
            return context.Response.Body.WriteAsync(Jpeg).AsTask();
        });
        await FailsAsync(compressed, JobErrorCodes.NotFetched, "compressed");
    }

    [Fact]
    public async Task A_private_address_of_a_name_is_never_connected_to_and_looks_like_any_other_failure()
    {
        await using var server = await PictureServer.StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            context.Response.Headers.Connection = "close";
            return Task.CompletedTask;
        });
        // Public at the first look, private at the second, and both at the third.
        var looks = new Queue<IPAddress[]>(
            [[PictureServer.Public], [IPAddress.Parse("169.254.169.254")], [PictureServer.Public, IPAddress.Loopback]]);
        using var rebinding = server.Handler((_, _) => Task.FromResult(looks.Dequeue()));
        await FailsAsync(server, JobErrorCodes.Unreachable, FetchErrors.Unreachable.Message, rebinding);
        Assert.Single(server.Calls);
        Assert.Empty(looks);

        // A name that is unknown has the same words, and so has a certificate that nobody knows.
        using var unknown = server.Handler(
            (_, _) => throw new SocketException((int)SocketError.HostNotFound));
        await FailsAsync(server, JobErrorCodes.Unreachable, FetchErrors.Unreachable.Message, unknown);
        using var untrusting = server.Handler(isTrusted: false);
        await FailsAsync(server, JobErrorCodes.Unreachable, FetchErrors.Unreachable.Message, untrusting);
        Assert.Single(server.Calls);
    }

    [Theory]
    [InlineData("https://127.0.0.1/", JobErrorCodes.ReferenceNotAllowed)]
    [InlineData("https://169.254.169.254/latest/meta-data", JobErrorCodes.ReferenceNotAllowed)]
    [InlineData("https://[::ffff:10.0.0.1]/", JobErrorCodes.ReferenceNotAllowed)]
    [InlineData("http://8.8.8.8/", JobErrorCodes.ReferenceMalformed)]
    [InlineData("file:///etc/passwd", JobErrorCodes.ReferenceMalformed)]
    [InlineData("https://alice:secret@example.com/", JobErrorCodes.ReferenceMalformed)]
    public async Task The_node_checks_the_address_of_its_message_itself(string url, string code)
    {
        using var http = new HttpMessageInvoker(new NoRequests());
        var failed = Assert.IsType<FetchOutcome.Failed>(
            await Fetcher(http).FetchAsync(new PictureReference { Url = url }, default));
        Assert.Equal(code, failed.Error.Code);
    }

    [Fact]
    public async Task An_object_of_an_allowed_bucket_is_read_within_the_limit()
    {
        var buckets = new ScriptedBuckets(_ => Found(Jpeg, Jpeg.Length));
        Assert.Equal(Jpeg, Assert.IsType<FetchOutcome.Fetched>(await FetchAsync(buckets)).Bytes.Memory);
        Assert.Equal((Bucket, "a/cat.jpg"), Assert.Single(buckets.Calls));

        buckets = new ScriptedBuckets(_ => Found(new byte[Largest + 1], Largest + 1));
        Assert.Equal(JobErrorCodes.TooLarge, (await FailAsync(buckets)).Code);
    }

    [Theory]
    [InlineData(BucketRefusal.NoSuchObject, JobErrorCodes.NotFetched)]
    [InlineData(BucketRefusal.NotPermitted, JobErrorCodes.ReferenceNotAllowed)]
    [InlineData(BucketRefusal.NotInRegion, JobErrorCodes.ReferenceNotAllowed)]
    [InlineData(BucketRefusal.Archived, JobErrorCodes.NotFetched)]
    public async Task A_refusal_of_a_bucket_is_final_and_its_details_stay_inside(BucketRefusal refusal, string code)
    {
        var buckets = new ScriptedBuckets(_ => new BucketRead.Refused(refusal, "arn:aws:iam::1:role/secret"));
        var error = await FailAsync(buckets);
        Assert.Equal(code, error.Code);
        Assert.DoesNotContain("arn:", error.Message, StringComparison.Ordinal);
        Assert.Single(buckets.Calls);
    }

    [Fact]
    public async Task A_bucket_that_cannot_be_reached_is_asked_three_times()
    {
        var buckets = new ScriptedBuckets(_ => throw new IOException("S3 GetObject failed: SlowDown"));
        Assert.Equal(FetchErrors.BucketUnreachable, await FailAsync(buckets));
        Assert.Equal(3, buckets.Calls.Count);
    }

    [Theory]
    [InlineData("s3://others/cat.jpg", JobErrorCodes.ReferenceNotAllowed)]
    [InlineData("s3://photos/../others/cat.jpg", JobErrorCodes.ReferenceMalformed)]
    [InlineData("s3://photos", JobErrorCodes.ReferenceMalformed)]
    public async Task Other_buckets_are_never_read(string address, string code)
    {
        var buckets = new ScriptedBuckets(_ => Found(Jpeg, Jpeg.Length));
        using var http = new HttpMessageInvoker(new NoRequests());
        var failed = Assert.IsType<FetchOutcome.Failed>(
            await Fetcher(http, buckets).FetchAsync(new PictureReference { S3 = address }, default));
        Assert.Equal(code, failed.Error.Code);
        Assert.Empty(buckets.Calls);
    }

    private static RequestDelegate Answer(byte[] file, bool isAnnounced = true) => async context =>
    {
        if (isAnnounced) context.Response.ContentLength = file.Length;
        else await context.Response.StartAsync();
        await context.Response.Body.WriteAsync(file);
    };

    private static BucketRead.Found Found(byte[] content, long size) =>
        new(new StoredObject(new MemoryStream(content), size, default));

    private PictureFetcher Fetcher(HttpMessageInvoker http, IBucketReader? buckets = null) => new(
        new ReferenceRules(new AddressRules([]), [Bucket]), Intake, http, buckets, _time, NoLogger.Instance);

    private async Task<byte[]> FetchedAsync(PictureServer server)
    {
        var outcome = await FetchAsync(server);
        using var bytes = Assert.IsType<FetchOutcome.Fetched>(outcome).Bytes;
        return bytes.Memory.ToArray();
    }

    private async Task FailsAsync(
        PictureServer server, string code, string words, SocketsHttpHandler? handler = null)
    {
        var failed = Assert.IsType<FetchOutcome.Failed>(await FetchAsync(server, handler));
        Assert.Equal(code, failed.Error.Code);
        Assert.StartsWith(words.Length > 30 ? words : "", failed.Error.Message, StringComparison.Ordinal);
        Assert.Contains(words, failed.Error.Message, StringComparison.Ordinal);
    }

    private async Task<FetchOutcome> FetchAsync(PictureServer server, SocketsHttpHandler? handler = null)
    {
        using var own = handler is null ? server.Handler() : null;
        using var http = new HttpMessageInvoker(handler ?? own!, disposeHandler: false);
        return await Fetcher(http).FetchAsync(new PictureReference { Url = server.Url() }, default);
    }

    private async Task<FetchOutcome> FetchAsync(IBucketReader buckets)
    {
        using var http = new HttpMessageInvoker(new NoRequests());
        return await Fetcher(http, buckets).FetchAsync(
            new PictureReference { S3 = $"s3://{Bucket}/a/cat.jpg" }, default);
    }

    private async Task<JobError> FailAsync(IBucketReader buckets) =>
        Assert.IsType<FetchOutcome.Failed>(await FetchAsync(buckets)).Error;

    private sealed class NoRequests : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new InvalidOperationException($"A request was sent to {request.RequestUri}.");
    }

    private sealed class ScriptedBuckets(Func<int, BucketRead> answer) : IBucketReader
    {
        public List<(string Bucket, string Key)> Calls { get; } = [];

        public async Task<BucketRead> OpenAsync(string bucket, string key, CancellationToken cancellation)
        {
            Calls.Add((bucket, key));
            await Task.Yield();
            return answer(Calls.Count);
        }
    }

    private sealed class TestTime : TimeProvider
    {
        private readonly ConcurrentStack<HeldTimer> _limits = new();

        public ConcurrentQueue<TimeSpan> Pauses { get; } = new();

        /// <summary>The limit of the last try is over.</summary>
        public void PassLimit()
        {
            if (!_limits.TryPop(out var limit)) throw new InvalidOperationException("No try has a limit.");
            limit.Fire();
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == PictureFetcher.Limit)
            {
                var limit = new HeldTimer(() => callback(state));
                _limits.Push(limit);
                return limit;
            }

            Pauses.Enqueue(dueTime);
            return System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }

    private sealed class HeldTimer(Action fire) : ITimer
    {
        private Action? _fire = fire;

        public void Fire() => Interlocked.Exchange(ref _fire, null)?.Invoke();

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => Interlocked.Exchange(ref _fire, null);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
