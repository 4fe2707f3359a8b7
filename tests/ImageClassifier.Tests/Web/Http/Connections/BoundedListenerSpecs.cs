using System.Net;
using System.Net.Sockets;
using ImageClassifier.Web.Http.Connections;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Xunit;

namespace ImageClassifier.Tests.Web.Http.Connections;

/// <summary>Accepting connections while slots are free.</summary>
public sealed class BoundedListenerSpecs : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly ImpatientTime _time = new();
    private readonly CapturedLog _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task Without_file_descriptors_accepting_backs_off_and_logs_once()
    {
        var failures = 6;
        await using var listener = Listen(new ConnectionSlots(1), () => failures-- > 0
            ? throw new SocketException((int)SocketError.TooManyOpenSockets)
            : ValueTask.FromResult(NewSocket()));

        await using var accepted = await listener.AcceptAsync();

        Assert.NotNull(accepted);
        Assert.Equal([50, 100, 200, 400, 800, 1000], _time.Pauses.Select(pause => (int)pause.TotalMilliseconds));
        Assert.Single(_log.Lines, line => line.Contains("Connections cannot be accepted", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_that_disconnects_early_causes_no_pause()
    {
        var failures = 3;
        await using var listener = Listen(new ConnectionSlots(1), () => failures-- > 0
            ? throw new SocketException((int)SocketError.ConnectionReset)
            : ValueTask.FromResult(NewSocket()));
        await using var accepted = await listener.AcceptAsync();
        Assert.Empty(_time.Pauses);
    }

    [Fact]
    public async Task Without_a_free_slot_nothing_is_accepted_until_a_socket_is_closed()
    {
        var count = 0;
        await using var listener = Listen(new ConnectionSlots(1), () =>
        {
            count++;
            return ValueTask.FromResult(NewSocket());
        });
        var first = await listener.AcceptAsync();
        var second = listener.AcceptAsync().AsTask();
        Assert.False(second.IsCompleted);
        Assert.Equal(1, count);
        Assert.Single(_log.Lines, line => line.Contains("All connection slots are taken", StringComparison.Ordinal));

        await first!.DisposeAsync();
        await first.DisposeAsync();
        Assert.NotNull(await second.WaitAsync(Limit));
        Assert.False(
            listener.AcceptAsync().AsTask().IsCompleted, "A connection that is closed twice gave two slots back.");
    }

    [Fact]
    public async Task Waits_for_a_slot_or_a_pause_end_when_listening_ends()
    {
        var none = Listen(new ConnectionSlots(0), () => ValueTask.FromResult(NewSocket()));
        var waiting = none.AcceptAsync().AsTask();
        await none.UnbindAsync();
        Assert.Null(await waiting.WaitAsync(Limit));

        var failing = Listen(
            new ConnectionSlots(1), () => throw new SocketException((int)SocketError.TooManyOpenSockets),
            TimeProvider.System);
        var pausing = failing.AcceptAsync().AsTask();
        await failing.UnbindAsync();
        Assert.Null(await pausing.WaitAsync(Limit));
    }

    private BoundedListener Listen(
        ConnectionSlots slots, Func<ValueTask<Socket>> accept, TimeProvider? time = null) => new(
        new IPEndPoint(IPAddress.Loopback, 0), accept, () => { }, socket => new FakeConnection(socket), slots,
        time ?? _time, LoggerFactory.Create(logging => logging.AddProvider(_log)).CreateLogger<BoundedListener>());

    private static Socket NewSocket() => new(SocketType.Stream, ProtocolType.Tcp);

    private sealed class FakeConnection(Socket socket) : DefaultConnectionContext
    {
        public override ValueTask DisposeAsync()
        {
            socket.Dispose();
            return base.DisposeAsync();
        }
    }

    /// <summary>A clock whose pauses end at once.</summary>
    private sealed class ImpatientTime : TimeProvider
    {
        public List<TimeSpan> Pauses { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Pauses.Add(dueTime);
            return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
