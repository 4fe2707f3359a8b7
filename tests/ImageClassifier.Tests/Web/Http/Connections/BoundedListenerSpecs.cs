using System.Net;
using System.Net.Sockets;
using ImageClassifier.Web.Http.Connections;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Xunit;

namespace ImageClassifier.Tests.Web.Http.Connections;

/// <summary>Accepting connections while there is room for them.</summary>
public sealed class BoundedListenerSpecs : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly ImpatientTime _time = new();
    private readonly CapturedLog _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task With_no_file_left_accepting_pauses_longer_and_longer_and_says_so_once()
    {
        var failures = 6;
        await using var listener = Listen(new ConnectionPlaces(1), () => failures-- > 0
            ? throw new SocketException((int)SocketError.TooManyOpenSockets)
            : ValueTask.FromResult(NewSocket()));

        await using var accepted = await listener.AcceptAsync();

        Assert.NotNull(accepted);
        Assert.Equal([50, 100, 200, 400, 800, 1000], _time.Pauses.Select(pause => (int)pause.TotalMilliseconds));
        Assert.Single(_log.Lines, line => line.Contains("No connection is accepted", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_that_left_early_is_no_reason_to_pause()
    {
        var failures = 3;
        await using var listener = Listen(new ConnectionPlaces(1), () => failures-- > 0
            ? throw new SocketException((int)SocketError.ConnectionReset)
            : ValueTask.FromResult(NewSocket()));
        await using var accepted = await listener.AcceptAsync();
        Assert.Empty(_time.Pauses);
    }

    [Fact]
    public async Task With_no_place_free_nothing_is_accepted_until_a_socket_is_closed()
    {
        var count = 0;
        await using var listener = Listen(new ConnectionPlaces(1), () =>
        {
            count++;
            return ValueTask.FromResult(NewSocket());
        });
        var first = await listener.AcceptAsync();
        var second = listener.AcceptAsync().AsTask();
        Assert.False(second.IsCompleted);
        Assert.Equal(1, count);
        Assert.Single(_log.Lines, line => line.Contains("All places for connections are taken", StringComparison.Ordinal));

        await first!.DisposeAsync();
        await first.DisposeAsync();
        Assert.NotNull(await second.WaitAsync(Limit));
        Assert.False(
            listener.AcceptAsync().AsTask().IsCompleted, "A connection that is closed twice gave two places back.");
    }

    [Fact]
    public async Task Who_waits_for_a_place_or_a_pause_hears_that_listening_has_ended()
    {
        var none = Listen(new ConnectionPlaces(0), () => ValueTask.FromResult(NewSocket()));
        var waiting = none.AcceptAsync().AsTask();
        await none.UnbindAsync();
        Assert.Null(await waiting.WaitAsync(Limit));

        var failing = Listen(
            new ConnectionPlaces(1), () => throw new SocketException((int)SocketError.TooManyOpenSockets),
            TimeProvider.System);
        var pausing = failing.AcceptAsync().AsTask();
        await failing.UnbindAsync();
        Assert.Null(await pausing.WaitAsync(Limit));
    }

    private BoundedListener Listen(
        ConnectionPlaces places, Func<ValueTask<Socket>> accept, TimeProvider? time = null) => new(
        new IPEndPoint(IPAddress.Loopback, 0), accept, () => { }, socket => new FakeConnection(socket), places,
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

    /// <summary>Time in which every pause is over at once.</summary>
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
