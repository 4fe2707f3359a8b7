using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using ImageClassifier.Core;
using ImageClassifier.Core.Outbound;
using ImageClassifier.Web.Callbacks;
using Microsoft.AspNetCore.Http;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Callbacks;

/// <summary>One try, with a real server as the receiver.</summary>
public sealed class CallbackSenderSpecs(ITestOutputHelper output) : CallbackSpecs(output)
{
    private const string Loopback = "127.0.0.1";
    private static readonly IPAddress Public = IPAddress.Parse("93.184.215.14");

    [Fact]
    public void The_signature_is_the_one_of_the_specification()
    {
        var secret = Settings().Secrets.Of(null);
        Assert.Equal(
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            CallbackSignature.Of(
                secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}"""));
    }

    [Fact]
    public async Task A_delivery_has_the_headers_and_a_signature_of_each_secret()
    {
        const string other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
        await using var receiver = await Receiver.StartAsync();
        const string body = """{"type":"batch.finished","name":"ü"}""";
        var delivery = Delivery(BatchId.New(), receiver.Url("/hook?token=t"), body);
        Assert.IsType<CallbackAnswer.Accepted>(await SendAsync(delivery, Settings($"{Secret},{other}", Loopback)));

        var call = Assert.Single(receiver.Calls);
        Assert.Equal(("POST", "/hook?token=t", "application/json"), (call.Method, call.Path, call.ContentType));
        Assert.Equal((delivery.Id, delivery.Body), (call.Headers["webhook-id"], call.Body));
        var timestamp = call.Headers["webhook-timestamp"];
        Assert.Equal(Time.GetUtcNow().ToUnixTimeSeconds(), long.Parse(timestamp, CultureInfo.InvariantCulture));
        var signatures = call.Headers["webhook-signature"].Split(' ');
        Assert.Equal(2, signatures.Length);
        foreach (var (secret, signature) in new[] { Secret, other }.Zip(signatures))
        {
            using var mac = IncrementalHash.CreateHMAC(
                HashAlgorithmName.SHA256, Convert.FromBase64String(secret["whsec_".Length..]));
            foreach (var part in new[] { call.Headers["webhook-id"], ".", timestamp, ".", call.Body })
                mac.AppendData(Encoding.UTF8.GetBytes(part));
            Assert.Equal("v1," + Convert.ToBase64String(mac.GetHashAndReset()), signature);
        }
    }

    [Fact]
    public async Task A_redirect_is_a_failure_and_is_not_followed()
    {
        await using var receiver = await Receiver.StartAsync(context =>
        {
            context.Response.Redirect("/elsewhere", permanent: false, preserveMethod: true);
            return Task.CompletedTask;
        });
        var failed = await FailAsync(receiver.Url("/hook"), Settings(allowed: Loopback));
        Assert.Equal("it answered 307, and redirects are not followed", failed.Reason);
        Assert.Equal("/hook", Assert.Single(receiver.Calls).Path);
    }

    [Fact]
    public async Task A_receiver_that_does_not_answer_fails_after_ten_seconds()
    {
        await using var receiver = await Receiver.StartAsync(
            context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted));
        var start = Time.GetUtcNow();
        var sending = FailAsync(receiver.Url("/hook"), Settings(allowed: Loopback));
        await UntilAsync(() => receiver.Calls.Count == 1, "the request is there");
        await AdvanceAsync(TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(1));
        Assert.False(sending.IsCompleted);
        await AdvanceUntilAsync(() => sending.IsCompleted, "the try ends", TimeSpan.FromSeconds(1));
        Assert.Equal("it did not answer within 10 s", (await sending).Reason);
        Assert.InRange(Time.GetUtcNow() - start, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task An_answer_is_read_no_further_than_64_KiB()
    {
        var isSent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var receiver = await Receiver.StartAsync(async context =>
        {
            try
            {
                for (var i = 0; i < 256; i++)
                    await context.Response.Body.WriteAsync(new byte[4096], context.RequestAborted);
            }
            finally
            {
                isSent.TrySetResult();
            }
        });
        CountingStream? connection = null;
        using var handler = OutboundHttp.CreateHandler(
            new AddressRules([IPNetwork.Parse("127.0.0.0/8")]),
            open: async (address, token) => connection = new CountingStream(await ConnectAsync(address, token)));
        var delivery = Delivery(BatchId.New(), receiver.Url("/"));
        Assert.IsType<CallbackAnswer.Accepted>(await SendAsync(delivery, Settings(), handler));
        await UntilAsync(() => connection!.IsClosed, "the connection is closed");
        Assert.InRange(connection!.BytesRead, 1, (64 + 16) << 10);
        await isSent.Task;
    }

    [Fact]
    public async Task A_name_that_is_public_at_first_and_private_at_the_second_look_is_refused()
    {
        await using var receiver = await Receiver.StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            context.Response.Headers.Connection = "close";
            return Task.CompletedTask;
        });
        var looks = new Queue<IPAddress[]>([[Public], [IPAddress.Loopback], [Public, IPAddress.Parse("10.0.0.1")]]);
        var opened = new ConcurrentQueue<IPAddress>();
        // The public address is allowed without TLS, because the test's server has none.
        using var handler = OutboundHttp.CreateHandler(
            new AddressRules([new IPNetwork(Public, 32)]),
            (_, _) => Task.FromResult(looks.Dequeue()),
            async (address, token) =>
            {
                opened.Enqueue(address.Address);
                return await ConnectAsync(new IPEndPoint(IPAddress.Loopback, address.Port), token);
            });
        var url = $"http://rebinding.example:{receiver.Port}/hook";
        Assert.Equal("it answered 500", (await FailAsync(url, Settings(), handler)).Reason);
        const string refusal = "rebinding.example has an address that is not public, or that needs https";
        Assert.Equal(refusal, (await FailAsync(url, Settings(), handler)).Reason);
        // One private address among public ones is enough.
        Assert.Equal(refusal, (await FailAsync(url, Settings(), handler)).Reason);
        Assert.Equal([Public], opened);
        Assert.Single(receiver.Calls);
    }

    [Theory]
    [InlineData("https://127.0.0.1/")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://[::ffff:10.0.0.1]/")]
    [InlineData("https://2130706433/")]
    public async Task A_private_address_is_refused_when_connecting(string url)
    {
        using var handler = OutboundHttp.CreateHandler(
            new AddressRules([]), open: (_, _) => throw new InvalidOperationException("A connection was opened."));
        Assert.Contains("not public", (await FailAsync(url, Settings(), handler)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_public_address_needs_tls()
    {
        using var handler = OutboundHttp.CreateHandler(
            new AddressRules([IPNetwork.Parse("10.0.0.0/8")]),
            open: (_, _) => throw new InvalidOperationException("A connection was opened."));
        Assert.Contains(
            "needs https", (await FailAsync("http://8.8.8.8/", Settings(), handler)).Reason, StringComparison.Ordinal);
    }

    private async Task<CallbackAnswer.Failed> FailAsync(
        string url, CallbackSettings settings, SocketsHttpHandler? handler = null) =>
        Assert.IsType<CallbackAnswer.Failed>(await SendAsync(Delivery(BatchId.New(), url), settings, handler));

    private async Task<CallbackAnswer> SendAsync(
        CallbackDelivery delivery, CallbackSettings settings, SocketsHttpHandler? handler = null)
    {
        using var own = handler is null ? OutboundHttp.CreateHandler(settings.Addresses) : null;
        using var http = new HttpMessageInvoker(handler ?? own!, disposeHandler: false);
        return await new CallbackSender(http, settings.Secrets, Time).SendAsync(delivery, default);
    }

    private static async ValueTask<Stream> ConnectAsync(IPEndPoint address, CancellationToken cancellation)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address, cancellation);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private sealed class CountingStream(Stream inner) : Stream
    {
        private long _read;

        public long BytesRead => Interlocked.Read(ref _read);

        public bool IsClosed { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await inner.ReadAsync(buffer, cancellationToken);
            Interlocked.Add(ref _read, read);
            return read;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        protected override void Dispose(bool disposing)
        {
            IsClosed = true;
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
