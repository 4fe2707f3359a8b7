using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.DeadLetters;
using Xunit;

namespace ImageClassifier.Tests.Contracts;

/// <summary>The contract of the dead-letter queue of every <see cref="IMessageQueue"/>.</summary>
public abstract class DeadLetterQueueContract : IAsyncLifetime
{
    protected const int MaxReceives = 1;

    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    private IQueueUnderTest _underTest = null!;
    private DeadLetterQueue _dead = null!;

    /// <summary>Creates a queue with the receive limit <see cref="MaxReceives"/>.</summary>
    protected abstract Task<IQueueUnderTest> CreateAsync();

    public async Task InitializeAsync()
    {
        _underTest = await CreateAsync();
        _dead = new DeadLetterQueue(_underTest.OpenDeadLetters());
    }

    public async Task DisposeAsync() => await _underTest.DisposeAsync();

    [SkippableFact]
    public async Task Each_dead_letter_is_received_once_and_hidden_from_others()
    {
        var sent = await GiveUpOnAsync(23);
        Assert.Equal(7, (await _dead.TakeAsync(7, Lease, default)).Count);
        var rest = await _dead.TakeAsync(100, Lease, default);

        Assert.Equal(16, rest.Count);
        Assert.Subset(sent.ToHashSet(), rest.Select(letter => letter.Body).ToHashSet());
        Assert.Empty(await new DeadLetterQueue(_underTest.OpenDeadLetters()).TakeAsync(100, Lease, default));
    }

    [SkippableFact]
    public async Task Dead_letters_that_are_handed_back_can_be_received_again()
    {
        var sent = await GiveUpOnAsync(12);
        await _dead.HandBackAsync(await _dead.TakeAsync(100, Lease, default), default);

        var again = await new DeadLetterQueue(_underTest.OpenDeadLetters()).TakeAsync(100, Lease, default);
        Assert.Equal(sent.Order(), again.Select(letter => letter.Body).Order());
        Assert.All(again, letter => Assert.True(letter.ReceiveCount > MaxReceives));
    }

    [SkippableFact]
    public async Task A_deleted_dead_letter_does_not_come_back()
    {
        await GiveUpOnAsync(2);
        var taken = await _dead.TakeAsync(100, Lease, default);
        Assert.True((await _dead.DeleteAsync(taken[0], default)).Succeeded);
        await _dead.HandBackAsync([taken[1]], default);

        Assert.Equal(taken[1].Body, Assert.Single(await _dead.TakeAsync(100, Lease, default)).Body);
    }

    [SkippableFact]
    public async Task An_empty_dead_letter_queue_gives_nothing() =>
        Assert.Empty(await _dead.TakeAsync(10, Lease, default));

    private async Task<IReadOnlyList<string>> GiveUpOnAsync(int count)
    {
        var queue = _underTest.Open();
        var bodies = Enumerable.Range(0, count).Select(i => $"letter-{i}").ToArray();
        foreach (var call in bodies.Chunk(IMessageQueue.MaxBatch))
        {
            var outcomes = await queue.SendAsync(
                [.. call.Select(body => new OutgoingMessage(body, body, body))], default);
            Assert.All(outcomes, outcome => Assert.True(outcome.Succeeded));
        }

        var receipts = new List<Receipt>();
        while (receipts.Count < count)
        {
            var received = await queue.ReceiveAsync(10, TimeSpan.FromSeconds(5), Lease, default);
            Assert.NotEmpty(received);
            receipts.AddRange(received.Select(message => message.Receipt));
        }

        foreach (var call in receipts.Chunk(IMessageQueue.MaxBatch))
            await queue.ExtendAsync(call, TimeSpan.Zero, default);
        // A queue moves messages only during a receive.
        Assert.Empty(await queue.ReceiveAsync(10, TimeSpan.FromSeconds(1), Lease, default));
        return bodies;
    }
}
