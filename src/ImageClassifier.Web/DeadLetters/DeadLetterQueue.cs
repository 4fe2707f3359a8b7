using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.DeadLetters;

/// <summary>
/// What a queue gave up on, to be looked through and dealt with by hand. A dead-letter queue is a queue: a letter that is
/// taken is hidden from others until it is deleted, handed back, or its lease runs out.
/// </summary>
/// <param name="queue">The dead-letter queue.</param>
internal sealed class DeadLetterQueue(IMessageQueue queue)
{
    // Some queues answer a poll that does not wait with nothing though there is something.
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(1);

    /// <summary>Takes letters, oldest first as far as the queue knows an order.</summary>
    /// <param name="max">How many at most.</param>
    /// <param name="lease">How long they are hidden from others.</param>
    /// <param name="cancellation">Stops taking; what is taken by then is answered.</param>
    /// <returns>The letters; fewer than <paramref name="max"/> when there are no more. Their receive counts are over both
    /// queues, and each taking counts.</returns>
    /// <exception cref="QueueUnavailableException">The queue could not be reached, and nothing was taken.</exception>
    public async Task<IReadOnlyList<ReceivedMessage>> TakeAsync(int max, TimeSpan lease, CancellationToken cancellation)
    {
        var taken = new List<ReceivedMessage>();
        while (taken.Count < max)
        {
            IReadOnlyList<ReceivedMessage> letters;
            try
            {
                letters = await queue.ReceiveAsync(
                    Math.Min(max - taken.Count, IMessageQueue.MaxBatch), Wait, lease, cancellation).ConfigureAwait(false);
            }
            catch (QueueUnavailableException) when (taken.Count > 0)
            {
                // What was taken must reach the caller; the next call meets the failure again.
                break;
            }

            if (letters.Count == 0) break;
            taken.AddRange(letters);
        }

        return taken;
    }

    /// <summary>Hands letters back, so that whoever looks next finds them.</summary>
    /// <param name="letters">Any number.</param>
    /// <param name="cancellation">Gives up; the leases then run out.</param>
    /// <exception cref="QueueUnavailableException">The queue could not be reached.</exception>
    public async Task HandBackAsync(IEnumerable<ReceivedMessage> letters, CancellationToken cancellation)
    {
        foreach (var call in letters.Chunk(IMessageQueue.MaxBatch))
        {
            await queue.ExtendAsync([.. call.Select(letter => letter.Receipt)], TimeSpan.Zero, cancellation)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Deletes a letter for good.</summary>
    /// <returns>What became of it; a lease that was lost leaves it for whoever has it now.</returns>
    /// <exception cref="QueueUnavailableException">The queue could not be reached.</exception>
    public async Task<QueueOutcome> DeleteAsync(ReceivedMessage letter, CancellationToken cancellation) =>
        (await queue.DeleteAsync([letter.Receipt], cancellation).ConfigureAwait(false))[0];
}
