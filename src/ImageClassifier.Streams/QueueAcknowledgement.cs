using Akka;
using Akka.Streams.Dsl;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>What is to become of a message that was worked on.</summary>
public enum Settlement
{
    /// <summary>It is done: the queue forgets it.</summary>
    Delete,

    /// <summary>It is not done: the queue gives it to the next who asks, at once.</summary>
    HandBack,
}

/// <summary>A message with what is to become of it.</summary>
public sealed record Acknowledgement(Delivery Delivery, Settlement Settlement);

/// <summary>A message that was settled, or not.</summary>
/// <param name="Delivery">The message; released.</param>
/// <param name="Settlement">What was to become of it.</param>
/// <param name="Outcome">What the queue said last. Where it did not succeed, the message returns when its lease runs
/// out.</param>
public sealed record Acknowledged(Delivery Delivery, Settlement Settlement, QueueOutcome Outcome);

/// <summary>How messages are acknowledged.</summary>
/// <param name="Linger">How long an acknowledgement waits for others to share its call.</param>
/// <param name="Retries">How often an entry that can succeed later is tried.</param>
public sealed record AcknowledgementSettings(TimeSpan Linger, RetryPolicy Retries)
{
    /// <summary>That linger, and the default retries.</summary>
    public AcknowledgementSettings(TimeSpan linger)
        : this(linger, RetryPolicy.Default)
    {
    }
}

/// <summary>The end of a message's way: deletes or hands back, ten a call.</summary>
public static class QueueAcknowledgement
{
    // A batch in its pauses between tries does not hold up the next ones.
    private const int Parallelism = 4;

    /// <summary>
    /// A flow that settles each message that comes in and answers each once, in any order. It releases every delivery,
    /// whatever the queue says, and no failure of the queue fails the stream: the lease then runs out.
    /// </summary>
    public static Flow<Acknowledgement, Acknowledged, NotUsed> Create(
        IMessageQueue queue, AcknowledgementSettings settings, TimeProvider time) =>
        Flow.Create<Acknowledgement>()
            .GroupedWithin(IMessageQueue.MaxBatch, settings.Linger)
            .SelectAsyncUnordered(Parallelism, batch => SettleAsync(queue, [.. batch], settings.Retries, time))
            .SelectMany(settled => settled);

    private static async Task<IReadOnlyList<Acknowledged>> SettleAsync(
        IMessageQueue queue, IReadOnlyList<Acknowledgement> batch, RetryPolicy retries, TimeProvider time)
    {
        var settled = await Task.WhenAll(batch
            .GroupBy(entry => entry.Settlement)
            .Select(group => SettleAlikeAsync(queue, [.. group], retries, time)));
        return [.. settled.SelectMany(some => some)];
    }

    private static async Task<IEnumerable<Acknowledged>> SettleAlikeAsync(
        IMessageQueue queue, Acknowledgement[] alike, RetryPolicy retries, TimeProvider time)
    {
        var settlement = alike[0].Settlement;
        var outcomes = await QueueRetries.RunAsync(
            [.. alike.Select(entry => entry.Delivery.Message.Receipt)],
            receipts => settlement == Settlement.Delete
                ? queue.DeleteAsync(receipts, CancellationToken.None)
                : queue.ExtendAsync(receipts, TimeSpan.Zero, CancellationToken.None),
            retries,
            time,
            CancellationToken.None);
        foreach (var entry in alike) entry.Delivery.Release();
        return alike.Zip(outcomes, (entry, outcome) => new Acknowledged(entry.Delivery, settlement, outcome));
    }
}
