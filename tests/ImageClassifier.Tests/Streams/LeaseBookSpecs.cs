using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using Xunit;

namespace ImageClassifier.Tests.Streams;

public sealed class LeaseBookSpecs
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    private readonly LeaseBook _book = new(Lease, TimeSpan.FromSeconds(100));

    [Fact]
    public void A_lease_is_due_past_two_thirds_of_it_and_not_before()
    {
        var delivery = Received();

        Assert.Equal(At(20), _book.NextDue);
        Assert.Empty(_book.TakeDue(At(19.9), 10));
        Assert.Equal([delivery], _book.TakeDue(At(20), 10));
    }

    [Fact]
    public void A_lease_that_no_one_renews_is_lost_when_it_runs_out()
    {
        var delivery = Received();
        Assert.True(delivery.HoldsLease(At(29.9)));
        Assert.False(delivery.HoldsLease(At(30)));

        _book.TakeDue(At(20), 10);
        _book.Apply(delivery, QueueOutcome.Done, calledAt: At(20), now: At(25));
        Assert.True(delivery.HoldsLease(At(49.9)));
        Assert.False(delivery.HoldsLease(At(50)));
    }

    [Fact]
    public void What_is_being_renewed_is_not_due_again()
    {
        Received();
        _book.TakeDue(At(20), 10);

        Assert.Empty(_book.TakeDue(At(25), 10));
        Assert.Null(_book.NextDue);
    }

    [Fact]
    public void A_renewed_lease_runs_from_when_the_queue_was_called()
    {
        var delivery = Received();
        _book.TakeDue(At(20), 10);
        _book.Apply(delivery, QueueOutcome.Done, calledAt: At(20), now: At(25));

        Assert.Equal(At(40), _book.NextDue);
    }

    [Fact]
    public void No_lease_is_renewed_beyond_the_cap()
    {
        var delivery = Received();
        foreach (var second in (double[])[20, 40, 60])
        {
            Assert.Single(_book.TakeDue(At(second), 10));
            _book.Apply(delivery, QueueOutcome.Done, At(second), At(second));
        }

        // A renewal at 80 s would hold the message until 110 s, past the cap of 100.
        Assert.Null(_book.NextDue);
        Assert.Empty(_book.TakeDue(At(1000), 10));
        Assert.Equal(1, _book.Count);
    }

    [Fact]
    public void A_renewal_that_failed_is_due_again_well_before_the_lease_ends()
    {
        var delivery = Received();
        var another = Received();
        _book.TakeDue(At(20), 10);
        _book.Apply(delivery, new QueueOutcome(QueueOutcomeKind.Retriable, "busy"), At(20), At(21));
        _book.TryAgain(another, At(22));

        Assert.Equal(At(23.5), _book.NextDue);
        Assert.Equal([delivery, another], _book.TakeDue(At(24.5), 10));
    }

    [Fact]
    public void A_lost_lease_is_marked_and_never_renewed_but_its_message_stays_in_hand()
    {
        var delivery = Received();
        _book.TakeDue(At(20), 10);
        _book.Apply(delivery, QueueOutcome.LeaseLost, At(20), At(20));

        Assert.False(delivery.HoldsLease(At(20)));
        Assert.Null(_book.NextDue);
        Assert.Equal(1, _book.Count);
        Assert.True(_book.Remove(delivery));
        Assert.Equal(0, _book.Count);
    }

    [Fact]
    public void Ten_at_most_are_taken_the_longest_due_first()
    {
        var late = Enumerable.Range(0, 8).Select(_ => Received(5)).ToArray();
        var early = Enumerable.Range(0, 4).Select(_ => Received(0)).ToArray();

        var taken = _book.TakeDue(At(30), 10);

        Assert.Equal(10, taken.Count);
        Assert.Equal(early, taken.Take(4));
        Assert.Equal(2, _book.TakeDue(At(30), 10).Count);
        Assert.Equal(late.Length, taken.Skip(4).Count() + 2);
    }

    [Fact]
    public void What_was_struck_off_during_its_renewal_stays_off()
    {
        var delivery = Received();
        _book.TakeDue(At(20), 10);
        _book.Remove(delivery);
        _book.Apply(delivery, QueueOutcome.Done, At(20), At(20));
        _book.TryAgain(delivery, At(20));

        Assert.Equal(0, _book.Count);
        Assert.Null(_book.NextDue);
        Assert.False(_book.Remove(delivery));
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    private Delivery Received(double atSecond = 0)
    {
        var delivery = new Delivery(new ReceivedMessage("body", "group", new Receipt("receipt"), 1), At(atSecond));
        _book.Add(delivery);
        return delivery;
    }
}
