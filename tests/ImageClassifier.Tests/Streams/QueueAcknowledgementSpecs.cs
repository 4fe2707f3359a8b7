using System.Globalization;
using Akka.Streams.Dsl;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Streams;

public sealed class QueueAcknowledgementSpecs : VirtualTimeSpecs
{
    private static readonly AcknowledgementSettings Settings = new(TimeSpan.FromMilliseconds(50));

    private readonly FakeMessageQueue _queue;
    private readonly List<Delivery> _released = [];

    public QueueAcknowledgementSpecs(ITestOutputHelper output)
        : base(output)
    {
        _queue = new FakeMessageQueue(Time);
    }

    [Fact]
    public async Task Messages_are_deleted_or_handed_back_ten_a_call_and_released()
    {
        var deliveries = await ReceiveAsync(25);
        var settled = await SettleAsync(deliveries.Select((delivery, index) =>
            new Acknowledgement(delivery, index % 5 == 0 ? Settlement.HandBack : Settlement.Delete)));

        Assert.All(settled, one => Assert.True(one.Outcome.Succeeded));
        Assert.Equal(20, _queue.Deleted.Count);
        Assert.Equal(5, _queue.Visible.Count);
        Assert.Empty(_queue.InFlight);
        Assert.Equal(3, _queue.CallsOf(QueueCall.Delete));
        Assert.Equal(deliveries, _released.OrderBy(delivery => Number(delivery.Message.Body)));
    }

    [Fact]
    public async Task A_few_messages_wait_at_most_the_linger()
    {
        var deliveries = await ReceiveAsync(1);
        var settled = Source.From(Deletes(deliveries))
            .Concat(Source.Maybe<Acknowledgement>().MapMaterializedValue(_ => Akka.NotUsed.Instance))
            .Via(QueueAcknowledgement.Create(_queue, Settings, Time))
            .RunWith(Sink.First<Acknowledged>(), Materializer);

        await AdvanceAsync(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(10));
        await settled.WaitAsync(RealLimit, TimeProvider.System);
        Assert.Single(_queue.Deleted);
    }

    [Fact]
    public async Task A_retriable_entry_is_retried_alone()
    {
        var deliveries = await ReceiveAsync(10);
        var failures = 2;
        _queue.EntryOutcome = (call, body) => call == QueueCall.Delete && body == "3" && failures-- > 0
            ? new QueueOutcome(QueueOutcomeKind.Retriable, "busy")
            : null;

        var settled = await SettleAsync(Deletes(deliveries));

        Assert.All(settled, one => Assert.True(one.Outcome.Succeeded));
        Assert.Equal([10, 1, 1], _queue.BatchSizesOf(QueueCall.Delete));
    }

    [Fact]
    public async Task An_entry_that_never_succeeds_fails_alone_and_returns_its_credit()
    {
        var deliveries = await ReceiveAsync(10);
        _queue.EntryOutcome = (_, body) => body switch
        {
            "1" => new QueueOutcome(QueueOutcomeKind.Retriable, "busy"),
            "2" => QueueOutcome.LeaseLost,
            "3" => new QueueOutcome(QueueOutcomeKind.Invalid, "wrong"),
            _ => null,
        };

        var settled = await SettleAsync(Deletes(deliveries));

        Assert.Equal(
            [QueueOutcomeKind.Retriable, QueueOutcomeKind.LeaseLost, QueueOutcomeKind.Invalid],
            settled.Where(one => !one.Outcome.Succeeded)
                .OrderBy(one => Number(one.Delivery.Message.Body)).Select(one => one.Outcome.Kind));
        Assert.Equal(7, _queue.Deleted.Count);
        Assert.Equal(10, _released.Count);
    }

    [Fact]
    public async Task A_short_outage_loses_nothing()
    {
        var deliveries = await ReceiveAsync(10);
        _queue.FailNext(QueueCall.Delete, 3);

        var settled = await SettleAsync(Deletes(deliveries));

        Assert.All(settled, one => Assert.True(one.Outcome.Succeeded));
        Assert.Equal(10, _queue.Deleted.Count);
    }

    [Fact]
    public async Task A_lasting_outage_does_not_fail_the_stream()
    {
        var deliveries = await ReceiveAsync(20);
        _queue.FailNext(QueueCall.Delete, RetryPolicy.Default.Attempts, new InvalidOperationException("A fault."));

        var settled = await SettleAsync(Deletes(deliveries));

        Assert.Equal(20, settled.Count);
        Assert.Equal(20, _released.Count);
        Assert.Equal(20, _queue.Deleted.Count + settled.Count(one => !one.Outcome.Succeeded));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_message_comes_out_despite_failures(int seed)
    {
        const int Messages = 200;
        var random = new Random(seed);
        var chance = new Lock();
        for (var i = 0; i < Messages; i++) _queue.Put($"{i}");
        _queue.CallFailure = _ => Chance(0.15) ? new QueueUnavailableException("A random failure.") : null;
        _queue.EntryOutcome = (_, _) =>
            Chance(0.1) ? new QueueOutcome(QueueOutcomeKind.Retriable, "busy")
            : Chance(0.05) ? QueueOutcome.LeaseLost
            : null;

        var received = new HashSet<string>();
        var settings = new QueueSourceSettings(
            TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), 20,
            TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1));
        var (control, done) = QueueSource.Create(_queue, settings, Time)
            .Select(delivery =>
            {
                lock (received) received.Add(delivery.Message.Body);
                return new Acknowledgement(delivery, Chance(0.2) ? Settlement.HandBack : Settlement.Delete);
            })
            .ViaMaterialized(QueueAcknowledgement.Create(_queue, Settings, Time), Keep.Left)
            .ToMaterialized(Sink.Ignore<Acknowledged>(), Keep.Both)
            .Run(Materializer);

        await AdvanceUntilAsync(
            () => _queue.Deleted.Count == Messages, "every message was deleted", TimeSpan.FromMilliseconds(200));
        Assert.Equal(Messages, received.Count);
        Assert.Equal(Messages, _queue.Deleted.Select(message => message.Body).Distinct().Count());

        control.Drain();
        await AdvanceUntilAsync(() => control.Drained.IsCompleted, "every credit came back");
        await done;

        bool Chance(double probability)
        {
            lock (chance) return random.NextDouble() < probability;
        }
    }


    private static int Number(string body) => int.Parse(body, CultureInfo.InvariantCulture);

    private static IEnumerable<Acknowledgement> Deletes(IEnumerable<Delivery> deliveries) =>
        deliveries.Select(delivery => new Acknowledgement(delivery, Settlement.Delete));

    private async Task<IReadOnlyList<Delivery>> ReceiveAsync(int count)
    {
        for (var i = 0; i < count; i++) _queue.Put($"{i}");
        var deliveries = new List<Delivery>();
        while (deliveries.Count < count)
        {
            var messages = await _queue.ReceiveAsync(
                Math.Min(10, count - deliveries.Count), TimeSpan.Zero, TimeSpan.FromMinutes(1), CancellationToken.None);
            deliveries.AddRange(messages.Select(message => new Delivery(message, Time.GetMonotonic(), delivery =>
            {
                lock (_released) _released.Add(delivery);
            })));
        }

        return deliveries;
    }

    private async Task<IReadOnlyList<Acknowledged>> SettleAsync(IEnumerable<Acknowledgement> acknowledgements)
    {
        var settled = Source.From(acknowledgements)
            .Via(QueueAcknowledgement.Create(_queue, Settings, Time))
            .RunWith(Sink.Seq<Acknowledged>(), Materializer);
        await AdvanceUntilAsync(() => settled.IsCompleted, "all were settled");
        return await settled;
    }
}
