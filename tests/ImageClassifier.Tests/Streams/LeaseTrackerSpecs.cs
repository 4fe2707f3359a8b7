using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using Xunit;

namespace ImageClassifier.Tests.Streams;

public sealed class LeaseTrackerSpecs
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    private readonly LeaseTracker _leases = new(Lease, TimeSpan.FromSeconds(100));

    [Fact]
    public void A_renewal_is_due_after_two_thirds_of_the_lease_and_not_before()
    {
        var delivery = Received();

        Assert.Equal(At(20), _leases.NextDue);
        Assert.Empty(_leases.TakeDue(At(19.9), 10));
        Assert.Equal([delivery], _leases.TakeDue(At(20), 10));
    }

    [Fact]
    public void A_lease_without_renewal_is_lost_when_it_ends()
    {
        var delivery = Received();
        Assert.True(delivery.HoldsLease(At(29.9)));
        Assert.False(delivery.HoldsLease(At(30)));

        _leases.TakeDue(At(20), 10);
        _leases.RecordRenewal(delivery, QueueOutcome.Done, calledAt: At(20), now: At(25));
        Assert.True(delivery.HoldsLease(At(49.9)));
        Assert.False(delivery.HoldsLease(At(50)));
    }

    [Fact]
    public void A_renewal_under_way_is_not_due_again()
    {
        Received();
        _leases.TakeDue(At(20), 10);

        Assert.Empty(_leases.TakeDue(At(25), 10));
        Assert.Null(_leases.NextDue);
    }

    [Fact]
    public void A_renewed_lease_runs_from_the_time_of_the_call()
    {
        var delivery = Received();
        _leases.TakeDue(At(20), 10);
        _leases.RecordRenewal(delivery, QueueOutcome.Done, calledAt: At(20), now: At(25));

        Assert.Equal(At(40), _leases.NextDue);
    }

    [Fact]
    public void No_lease_is_renewed_beyond_the_cap()
    {
        var delivery = Received();
        foreach (var second in (double[])[20, 40, 60])
        {
            Assert.Single(_leases.TakeDue(At(second), 10));
            _leases.RecordRenewal(delivery, QueueOutcome.Done, At(second), At(second));
        }

        // A renewal at 80 s would hold the message until 110 s, which is after the cap of 100 s.
        Assert.Null(_leases.NextDue);
        Assert.Empty(_leases.TakeDue(At(1000), 10));
        Assert.Equal(1, _leases.Count);
    }

    [Fact]
    public void A_failed_renewal_is_due_again_well_before_the_lease_ends()
    {
        var delivery = Received();
        var another = Received();
        _leases.TakeDue(At(20), 10);
        _leases.RecordRenewal(delivery, new QueueOutcome(QueueOutcomeKind.Retriable, "busy"), At(20), At(21));
        _leases.RecordFailedRenewal(another, At(22));

        Assert.Equal(At(23.5), _leases.NextDue);
        Assert.Equal([delivery, another], _leases.TakeDue(At(24.5), 10));
    }

    [Fact]
    public void A_lost_lease_is_marked_and_never_renewed_but_its_message_stays_in_hand()
    {
        var delivery = Received();
        _leases.TakeDue(At(20), 10);
        _leases.RecordRenewal(delivery, QueueOutcome.LeaseLost, At(20), At(20));

        Assert.False(delivery.HoldsLease(At(20)));
        Assert.Null(_leases.NextDue);
        Assert.Equal(1, _leases.Count);
        Assert.True(_leases.Remove(delivery));
        Assert.Equal(0, _leases.Count);
    }

    [Fact]
    public void At_most_ten_are_taken_longest_due_first()
    {
        var late = Enumerable.Range(0, 8).Select(_ => Received(5)).ToArray();
        var early = Enumerable.Range(0, 4).Select(_ => Received(0)).ToArray();

        var taken = _leases.TakeDue(At(30), 10);

        Assert.Equal(10, taken.Count);
        Assert.Equal(early, taken.Take(4));
        Assert.Equal(2, _leases.TakeDue(At(30), 10).Count);
        Assert.Equal(late.Length, taken.Skip(4).Count() + 2);
    }

    [Fact]
    public void A_message_removed_during_its_renewal_stays_removed()
    {
        var delivery = Received();
        _leases.TakeDue(At(20), 10);
        _leases.Remove(delivery);
        _leases.RecordRenewal(delivery, QueueOutcome.Done, At(20), At(20));
        _leases.RecordFailedRenewal(delivery, At(20));

        Assert.Equal(0, _leases.Count);
        Assert.Null(_leases.NextDue);
        Assert.False(_leases.Remove(delivery));
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    private Delivery Received(double atSecond = 0)
    {
        var delivery = new Delivery(new ReceivedMessage("body", "group", new Receipt("receipt"), 1), At(atSecond));
        _leases.Add(delivery);
        return delivery;
    }
}
