using Akka.Streams.Dsl;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Streams;

public sealed class QueueSourceSpecs : VirtualTimeSpecs
{
    private static readonly QueueSourceSettings Settings = new(
        WaitTime: TimeSpan.FromSeconds(5),
        Lease: TimeSpan.FromSeconds(30),
        MaxLease: TimeSpan.FromSeconds(100),
        MaxInFlight: 20,
        MinBackoff: TimeSpan.FromMilliseconds(200),
        MaxBackoff: TimeSpan.FromSeconds(10));

    private readonly FakeMessageQueue _queue;
    private readonly List<PollReport> _reports = [];

    public QueueSourceSpecs(ITestOutputHelper output)
        : base(output)
    {
        _queue = new FakeMessageQueue(Time);
    }

    [Fact]
    public async Task It_receives_within_its_credits_and_polls_again_when_ten_are_free()
    {
        PutMany(50);
        var (_, received, _) = Run();
        await UntilAsync(() => received.Count == 20, "all credits were used");
        await SettleAsync();
        Assert.Equal(20, _queue.InFlight.Count);

        // Nine free credits cause no poll. Ten do.
        foreach (var delivery in received.Snapshot().Take(9)) delivery.Release();
        await SettleAsync();
        Assert.Equal(2, _queue.Polls.Count);

        received.Snapshot()[9].Release();
        await UntilAsync(() => received.Count == 30, "ten more were received");
        Assert.All(_queue.Polls, poll => Assert.Equal(10, poll.MaxMessages));
    }

    [Fact]
    public async Task Messages_that_are_set_aside_need_no_credit_up_to_a_limit_and_keep_their_leases()
    {
        PutMany(200);
        var (_, received, _) = Run();
        // It polls for ten, so a rest of the places aside stays unused.
        var most = Settings.MaxInFlight + QueueSource.MostAside / 10 * 10;
        for (var i = 0; i < most; i++)
        {
            var next = i;
            await UntilAsync(() => received.Count > next, "another message was received");
            received.Snapshot()[i].SetAside();
            received.Snapshot()[i].SetAside();
        }

        await SettleAsync();
        Assert.Equal(most, _queue.InFlight.Count);

        await AdvanceAsync(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(1));
        Assert.All(received.Snapshot(), delivery => Assert.True(delivery.HoldsLease(Time.GetMonotonic())));

        // What is released frees its place aside, and no credit.
        foreach (var delivery in received.Snapshot().Take(10)) delivery.Release();
        await SettleAsync();
        Assert.Equal(most, received.Count);
        foreach (var delivery in received.Snapshot().Skip(QueueSource.MostAside).Take(10)) delivery.SetAside();
        await UntilAsync(() => received.Count == most + 10, "ten more were received");
    }

    [Fact]
    public async Task It_polls_for_the_free_credits_when_nothing_is_in_hand()
    {
        var (_, received, _) = Run(Settings with { MaxInFlight = 3 });
        await UntilAsync(() => _queue.PollsWaiting == 1, "it polls");
        Assert.Equal(3, _queue.Polls[0].MaxMessages);

        var five = Enumerable.Range(0, 5).Select(i => new OutgoingMessage($"{i}", $"{i}", $"{i}")).ToArray();
        await _queue.SendAsync(five, CancellationToken.None);
        await UntilAsync(() => received.Count == 3, "all credits were used");
        foreach (var delivery in received.Snapshot()) delivery.Release();
        await UntilAsync(() => received.Count == 5, "the other messages arrived");
    }

    [Fact]
    public async Task It_has_one_poll_under_way_at_a_time_and_reports_each()
    {
        var (_, received, _) = Run();
        for (var i = 0; i < 30; i++)
        {
            _queue.Put($"{i}");
            await AdvanceAsync(TimeSpan.FromMilliseconds(700), TimeSpan.FromMilliseconds(100));
            foreach (var delivery in received.Snapshot()) delivery.Release();
        }

        await UntilAsync(() => received.Count == 30, "all were received");
        Assert.Equal(1, _queue.MostPollsAtOnce);
        await AdvanceUntilAsync(() => Reports().Any(report => report.Received == 0), "an empty poll is reported");
        Assert.Equal(30, Reports().Sum(report => report.Received));
    }

    [Fact]
    public async Task It_backs_off_after_failed_polls_and_then_continues()
    {
        _queue.FailNext(QueueCall.Receive, 6);
        _queue.Put("one");
        var (_, received, _) = Run();
        await AdvanceUntilAsync(() => received.Count == 1, "the message arrived in the end");

        var pauses = _queue.Polls.Zip(_queue.Polls.Skip(1), (one, next) => next.At - one.At).Take(6).ToArray();
        Assert.True(pauses[0] >= TimeSpan.FromMilliseconds(200), $"The first pause was {pauses[0]}.");
        Assert.True(pauses[5] >= TimeSpan.FromSeconds(5), $"The sixth pause was {pauses[5]}.");
        Assert.Equal(6, Reports().Count(report => report.Failure is QueueUnavailableException));
    }

    [Fact]
    public async Task An_unexpected_exception_of_the_queue_does_not_end_it()
    {
        _queue.FailNext(QueueCall.Receive, 1, new InvalidOperationException("A fault in the adapter."));
        _queue.Put("one");
        var (_, received, _) = Run();

        await AdvanceUntilAsync(() => received.Count == 1, "it polls again");
    }

    [Fact]
    public async Task Leases_are_renewed_ten_a_call_after_two_thirds_including_buffered_messages()
    {
        PutMany(20);
        var (_, _, _) = Run(demand: 3);
        await UntilAsync(() => Reports().Sum(report => report.Received) == 20, "all credits were used");
        await AdvanceAsync(TimeSpan.FromSeconds(19), TimeSpan.FromSeconds(1));
        Assert.Equal(0, _queue.CallsOf(QueueCall.Extend));

        await AdvanceAsync(TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(250));
        await UntilAsync(() => _queue.CallsOf(QueueCall.Extend) == 2, "the leases were renewed");
        Assert.Equal([10, 10], _queue.BatchSizesOf(QueueCall.Extend));

        await AdvanceAsync(TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(1));
        Assert.Equal(20, _queue.InFlight.Count);
        Assert.Empty(_queue.Visible);
    }

    [Fact]
    public async Task A_message_held_up_to_the_cap_becomes_visible_again()
    {
        _queue.Put("stuck");
        var (_, received, _) = Run();
        await UntilAsync(() => received.Count == 1, "it was received");

        await AdvanceUntilAsync(
            () => _queue.CallsOf(QueueCall.Extend) == 3, "the lease was renewed thrice", TimeSpan.FromSeconds(1));
        await AdvanceUntilAsync(() => received.Count == 2, "it was received again", TimeSpan.FromSeconds(1));
        Assert.Equal(3, _queue.CallsOf(QueueCall.Extend));
        Assert.Equal(2, received.Snapshot()[1].Message.ReceiveCount);
        Assert.True(Time.GetMonotonic() - received.Snapshot()[0].ReceivedAt <= Settings.MaxLease);
        Assert.Equal(2, Reports().Last(report => report.Received > 0).InHand);
    }

    [Fact]
    public async Task A_hanging_renewal_is_retried_before_the_lease_ends()
    {
        _queue.Put("one");
        var renewals = 0;
        _queue.Before = call => call == QueueCall.Extend && Interlocked.Increment(ref renewals) == 1
            ? new TaskCompletionSource().Task
            : Task.CompletedTask;
        var (_, received, _) = Run();
        await UntilAsync(() => received.Count == 1, "it was received");

        await AdvanceAsync(TimeSpan.FromSeconds(40), TimeSpan.FromMilliseconds(500));
        Assert.Single(_queue.InFlight);
        Assert.Equal(1, received.Count);
        Assert.True(received.Snapshot()[0].HoldsLease(Time.GetMonotonic()));
    }

    [Fact]
    public async Task A_failed_renewal_is_retried_before_the_lease_ends()
    {
        _queue.Put("one");
        var (_, received, _) = Run();
        await UntilAsync(() => received.Count == 1, "it was received");
        _queue.FailNext(QueueCall.Extend, 2);

        await AdvanceAsync(TimeSpan.FromSeconds(40), TimeSpan.FromMilliseconds(500));
        Assert.Single(_queue.InFlight);
        Assert.Equal(1, received.Count);
        Assert.True(received.Snapshot()[0].HoldsLease(Time.GetMonotonic()));
    }

    [Fact]
    public async Task A_lost_lease_is_marked_and_has_no_other_effect()
    {
        _queue.Put("one");
        var (_, received, _) = Run();
        await UntilAsync(() => received.Count == 1, "it was received");
        _queue.ExpireLease("one");
        await AdvanceUntilAsync(() => received.Count == 2, "it was received again", TimeSpan.FromSeconds(1));
        await AdvanceUntilAsync(
            () => IsMarkedLost(received.Snapshot()[0]), "the loss was noticed", TimeSpan.FromSeconds(1));
        Assert.False(IsMarkedLost(received.Snapshot()[1]));

        foreach (var delivery in received.Snapshot()) delivery.Release();
        _queue.Put("two");
        await AdvanceUntilAsync(() => received.Count == 3, "it polls again");
        Assert.Equal(1, Reports().Last(report => report.Received > 0).InHand);
    }

    [Fact]
    public async Task A_drain_hands_back_buffered_messages_and_completes_the_stream()
    {
        PutMany(20);
        var (control, received, done) = Run(demand: 3);
        await UntilAsync(
            () => received.Count == 3 && Reports().Sum(report => report.Received) == 20, "all credits were used");

        control.Drain();
        await UntilAsync(() => _queue.Visible.Count == 17, "the buffer was handed back");
        received.Open();
        await done.WaitAsync(RealLimit, TimeProvider.System);
        Assert.Equal(3, _queue.InFlight.Count);
        Assert.False(control.Drained.IsCompleted);

        // Messages that downstream still works on keep their leases.
        await AdvanceAsync(TimeSpan.FromSeconds(45), TimeSpan.FromSeconds(1));
        Assert.Equal(3, _queue.InFlight.Count);

        foreach (var delivery in received.Snapshot()) delivery.Release();
        await control.Drained.WaitAsync(RealLimit, TimeProvider.System);
        Assert.Equal(2, _queue.Polls.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_drain_lets_the_open_poll_end_and_hands_back_its_messages(bool honoursStopWaiting)
    {
        _queue.HonoursStopWaiting = honoursStopWaiting;
        var (control, received, done) = Run();
        await UntilAsync(() => _queue.PollsWaiting == 1, "it polls");

        control.Drain();
        if (!honoursStopWaiting)
        {
            await SettleAsync();
            Assert.False(done.IsCompleted);
            _queue.Put("late");
        }

        await control.Drained.WaitAsync(RealLimit, TimeProvider.System);
        await done;
        Assert.Equal(0, received.Count);
        Assert.Equal(honoursStopWaiting ? 0 : 1, _queue.Visible.Count);
        Assert.Single(_queue.Polls);
    }

    [Fact]
    public async Task A_drain_during_a_pause_after_a_failure_ends_at_once()
    {
        _queue.FailNext(QueueCall.Receive);
        var (control, _, done) = Run();
        await UntilAsync(() => Reports().Length == 1, "the poll failed");

        control.Drain();
        control.Drain();
        await control.Drained.WaitAsync(RealLimit, TimeProvider.System);
        await done;
        Assert.Single(_queue.Polls);
    }

    [Fact]
    public async Task Without_polls_it_emits_all_it_has_and_completes_the_stream()
    {
        PutMany(25);
        var (control, received, done) = Run(demand: 3);
        await UntilAsync(
            () => received.Count == 3 && Reports().Sum(report => report.Received) == 20, "all credits were used");

        control.StopPolling();
        await SettleAsync();
        Assert.Equal(5, _queue.Visible.Count);
        received.Open();
        await done.WaitAsync(RealLimit, TimeProvider.System);
        Assert.Equal(20, received.Count);
        Assert.False(control.Drained.IsCompleted);

        // Messages that downstream still works on keep their leases.
        await AdvanceAsync(TimeSpan.FromSeconds(45), TimeSpan.FromSeconds(1));
        Assert.Equal(20, _queue.InFlight.Count);

        foreach (var delivery in received.Snapshot()) delivery.Release();
        await control.Drained.WaitAsync(RealLimit, TimeProvider.System);
        Assert.Equal((2, 5), (_queue.Polls.Count, _queue.Visible.Count));
    }

    [Fact]
    public async Task The_messages_of_the_last_poll_are_emitted()
    {
        _queue.HonoursStopWaiting = false;
        var (control, received, done) = Run();
        await UntilAsync(() => _queue.PollsWaiting == 1, "it polls");

        control.StopPolling();
        await SettleAsync();
        Assert.False(done.IsCompleted);
        _queue.Put("late");

        await done.WaitAsync(RealLimit, TimeProvider.System);
        var late = Assert.Single(received.Snapshot());
        late.Release();
        await control.Drained.WaitAsync(RealLimit, TimeProvider.System);
        Assert.Single(_queue.Polls);
    }

    [Fact]
    public async Task A_drain_after_the_last_poll_hands_back_the_rest()
    {
        PutMany(20);
        var (control, received, done) = Run(demand: 3);
        await UntilAsync(
            () => received.Count == 3 && Reports().Sum(report => report.Received) == 20, "all credits were used");

        control.StopPolling();
        control.Drain();
        await UntilAsync(() => _queue.Visible.Count == 17, "the buffer was handed back");
        received.Open();
        await done.WaitAsync(RealLimit, TimeProvider.System);
        foreach (var delivery in received.Snapshot()) delivery.Release();
        await control.Drained.WaitAsync(RealLimit, TimeProvider.System);
    }

    [Fact]
    public async Task Cancelling_downstream_hands_back_the_buffer_and_the_open_poll()
    {
        PutMany(12);
        _queue.HonoursStopWaiting = false;
        var control = QueueSource.Create(_queue, Settings, Time)
            .Take(4)
            .ToMaterialized(Sink.Ignore<Delivery>().MapMaterializedValue(_ => 0), Keep.Left)
            .Run(Materializer);

        await AdvanceUntilAsync(
            () => control.Drained.IsCompleted, "the source ended", TimeSpan.FromSeconds(1));
        Assert.Equal(8, _queue.Visible.Count);
        Assert.Equal(4, _queue.InFlight.Count);
    }

    private void PutMany(int count)
    {
        for (var i = 0; i < count; i++) _queue.Put($"{i}");
    }

    private PollReport[] Reports()
    {
        lock (_reports) return _reports.ToArray();
    }

    private (IQueueSourceControl Control, Received Received, Task Done) Run(
        QueueSourceSettings? settings = null, int demand = int.MaxValue)
    {
        var received = new Received(demand);
        var (control, done) = QueueSource
            .Create(_queue, settings ?? Settings, Time, report =>
            {
                lock (_reports) _reports.Add(report);
            })
            .SelectAsync(1, async delivery =>
            {
                await received.AddAsync(delivery);
                return delivery;
            })
            .ToMaterialized(Sink.Ignore<Delivery>(), Keep.Both)
            .Run(Materializer);
        return (control, received, done);
    }

    // Only a lost lease ends as early as this: a lease that runs out lasts longer.
    private static bool IsMarkedLost(Delivery delivery) => !delivery.HoldsLease(delivery.ReceivedAt);

    /// <summary>The deliveries that the source emitted. The last demanded one blocks the stream until
    /// <see cref="Open"/>.</summary>
    private sealed class Received(int demand)
    {
        private readonly List<Delivery> _deliveries = [];
        private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Count => Snapshot().Length;

        public Delivery[] Snapshot()
        {
            lock (_deliveries) return _deliveries.ToArray();
        }

        public Task AddAsync(Delivery delivery)
        {
            lock (_deliveries)
            {
                _deliveries.Add(delivery);
                return _deliveries.Count < demand ? Task.CompletedTask : _opened.Task;
            }
        }

        public void Open() => _opened.TrySetResult();
    }
}
