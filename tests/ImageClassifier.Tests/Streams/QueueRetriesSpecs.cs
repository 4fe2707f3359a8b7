using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Streams;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Streams;

public sealed class QueueRetriesSpecs : VirtualTimeSpecs
{
    private readonly FakeMessageQueue _queue;

    public QueueRetriesSpecs(ITestOutputHelper output)
        : base(output)
    {
        _queue = new FakeMessageQueue(Time);
    }

    [Fact]
    public async Task Retriable_messages_are_sent_again_alone()
    {
        var tries = 0;
        _queue.EntryOutcome = (_, body) => body == "1" && tries++ < 2
            ? new QueueOutcome(QueueOutcomeKind.Retriable, "busy")
            : null;
        _queue.FailNext(QueueCall.Send);

        var outcomes = await SendAsync(3);

        Assert.All(outcomes, outcome => Assert.True(outcome.Succeeded));
        Assert.Equal([3, 3, 1, 1], _queue.BatchSizesOf(QueueCall.Send));
        Assert.Equal(3, _queue.Visible.Count);
    }

    [Fact]
    public async Task An_invalid_message_is_not_retried_and_fails_no_other()
    {
        _queue.EntryOutcome = (_, body) => body == "1" ? new QueueOutcome(QueueOutcomeKind.Invalid, "too long") : null;

        var outcomes = await SendAsync(3);

        Assert.Equal([true, false, true], outcomes.Select(outcome => outcome.Succeeded));
        Assert.Equal([3], _queue.BatchSizesOf(QueueCall.Send));
    }

    [Fact]
    public async Task A_lasting_outage_is_an_outcome_after_a_limited_number_of_tries()
    {
        _queue.FailNext(QueueCall.Send, 100);

        var outcomes = await SendAsync(2);

        Assert.All(outcomes, outcome => Assert.Equal(QueueOutcomeKind.Retriable, outcome.Kind));
        Assert.Equal(RetryPolicy.Default.Attempts, _queue.CallsOf(QueueCall.Send));
    }

    [Fact]
    public async Task A_permanent_refusal_is_retried_a_few_times_and_has_its_own_outcome()
    {
        _queue.FailNext(QueueCall.Send, 100, new QueueRefusedException("access denied"));

        var outcomes = await SendAsync(2);

        Assert.All(
            outcomes, outcome => Assert.Equal(new QueueOutcome(QueueOutcomeKind.Refused, "access denied"), outcome));
        Assert.Equal(RetryPolicy.RefusedAttempts, _queue.CallsOf(QueueCall.Send));
    }

    [Fact]
    public async Task A_cancelled_send_throws()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StartSend(1, cancelled.Token));
        Assert.Equal(0, _queue.CallsOf(QueueCall.Send));
    }

    [Fact]
    public async Task A_send_that_is_cancelled_during_a_failed_call_throws()
    {
        using var cancelled = new CancellationTokenSource();
        _queue.EntryOutcome = (_, _) =>
        {
            cancelled.Cancel();
            return new QueueOutcome(QueueOutcomeKind.Retriable, "busy");
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StartSend(1, cancelled.Token));
    }

    [Fact]
    public async Task A_send_that_is_cancelled_in_a_pause_throws()
    {
        using var cancelled = new CancellationTokenSource();
        _queue.FailNext(QueueCall.Send);
        var sending = StartSend(1, cancelled.Token);
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal(1, _queue.CallsOf(QueueCall.Send));
    }

    private Task<IReadOnlyList<QueueOutcome>> StartSend(int count, CancellationToken cancellation)
    {
        var messages = Enumerable.Range(0, count).Select(i => new OutgoingMessage($"{i}", $"{i}", $"{i}")).ToArray();
        return new QueueRetries(RetryPolicy.Default, Time).RunAsync(messages, _queue.SendAsync, cancellation);
    }

    private async Task<IReadOnlyList<QueueOutcome>> SendAsync(int count)
    {
        var sending = StartSend(count, CancellationToken.None);
        await AdvanceUntilAsync(() => sending.IsCompleted, "the send ended");
        return await sending;
    }
}
