using Akka;
using Akka.Streams.Dsl;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>How a message is settled.</summary>
public enum Settlement
{
    /// <summary>The message is done: the queue deletes it.</summary>
    Delete,

    /// <summary>The message is not done: the queue makes it visible at once.</summary>
    HandBack,
}

/// <summary>A message and how to settle it.</summary>
public sealed record Acknowledgement(Delivery Delivery, Settlement Settlement);

/// <summary>The outcome of an acknowledgement.</summary>
/// <param name="Delivery">The message, which is released.</param>
/// <param name="Settlement">How the message was to be settled.</param>
/// <param name="Outcome">The queue's last answer. Unless it succeeded, the message returns when its lease ends.</param>
public sealed record Acknowledged(Delivery Delivery, Settlement Settlement, QueueOutcome Outcome);

/// <summary>The settings of acknowledgements.</summary>
/// <param name="Linger">How long an acknowledgement waits for others, to share a call.</param>
/// <param name="Retries">The retries of an entry that can succeed later.</param>
public sealed record AcknowledgementSettings(TimeSpan Linger, RetryPolicy Retries)
{
    /// <summary>Settings with the default retries.</summary>
    public AcknowledgementSettings(TimeSpan linger)
        : this(linger, RetryPolicy.Default)
    {
    }
}

/// <summary>Settles messages, ten a call: the last step of a queue's stream.</summary>
public static class QueueAcknowledgement
{
    // A batch that pauses between retries must not delay the next batches.
    private const int Parallelism = 4;

    /// <summary>
    /// A flow that settles each message and emits it once, in any order. It releases every delivery, whatever the queue
    /// answers. A failure of the queue does not fail the stream: the lease of the message ends instead.
    /// </summary>
    public static Flow<Acknowledgement, Acknowledged, NotUsed> Create(
        IMessageQueue queue, AcknowledgementSettings settings, TimeProvider time)
    {
        var retries = new QueueRetries(settings.Retries, time);
        return Flow.Create<Acknowledgement>()
            .Via(new LingeringGroups<Acknowledgement>(IMessageQueue.MaxBatch, settings.Linger, time))
            .SelectAsyncUnordered(Parallelism, batch => SettleAsync(queue, batch, retries))
            .SelectMany(settled => settled);
    }

    private static async Task<IReadOnlyList<Acknowledged>> SettleAsync(
        IMessageQueue queue, IReadOnlyList<Acknowledgement> batch, QueueRetries retries)
    {
        var settled = await Task.WhenAll(batch
            .GroupBy(entry => entry.Settlement)
            .Select(group => SettleAlikeAsync(queue, [.. group], retries)));
        return [.. settled.SelectMany(some => some)];
    }

    private static async Task<IEnumerable<Acknowledged>> SettleAlikeAsync(
        IMessageQueue queue, Acknowledgement[] alike, QueueRetries retries)
    {
        var settlement = alike[0].Settlement;
        var outcomes = await retries.RunAsync(
            [.. alike.Select(entry => entry.Delivery.Message.Receipt)],
            (receipts, cancellation) => settlement == Settlement.Delete
                ? queue.DeleteAsync(receipts, cancellation)
                : queue.ExtendAsync(receipts, TimeSpan.Zero, cancellation),
            CancellationToken.None);
        foreach (var entry in alike) entry.Delivery.Release();
        return alike.Zip(outcomes, (entry, outcome) => new Acknowledged(entry.Delivery, settlement, outcome));
    }
}
