using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.DeadLetters;

/// <summary>
/// Receives and removes the messages of a dead-letter queue. Such a queue works like any other: a received letter is
/// hidden until it is deleted or handed back, or until its lease expires.
/// </summary>
/// <param name="queue">The dead-letter queue.</param>
internal sealed class DeadLetterQueue(IMessageQueue queue)
{
    // A poll without a wait can return nothing from some queues although messages are there.
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(1);

    /// <summary>Receives letters, oldest first if the queue keeps an order.</summary>
    /// <param name="max">How many at most.</param>
    /// <param name="lease">How long they are hidden from others.</param>
    /// <param name="cancellation">Stops receiving; the letters received so far are returned.</param>
    /// <returns>Up to <paramref name="max"/> letters. A receive count includes the receives from the original queue and
    /// from earlier listings.</returns>
    /// <exception cref="QueueUnavailableException">The queue could not be reached, and no letter was
    /// received.</exception>
    public async Task<IReadOnlyList<ReceivedMessage>> TakeAsync(int max, TimeSpan lease, CancellationToken cancellation)
    {
        var taken = new List<ReceivedMessage>();
        while (taken.Count < max)
        {
            IReadOnlyList<ReceivedMessage> letters;
            try
            {
                letters = await queue.ReceiveAsync(
                    Math.Min(max - taken.Count, IMessageQueue.MaxBatch), Wait, lease, cancellation)
                    .ConfigureAwait(false);
            }
            catch (QueueUnavailableException) when (taken.Count > 0)
            {
                // The caller must get the letters received so far. The next call meets the failure again.
                break;
            }

            if (letters.Count == 0) break;
            taken.AddRange(letters);
        }

        return taken;
    }

    /// <summary>Hands letters back, so they are visible at once.</summary>
    /// <param name="letters">Any number.</param>
    /// <param name="cancellation">Cancels the call; then the leases expire.</param>
    /// <exception cref="QueueUnavailableException">The queue could not be reached.</exception>
    public async Task HandBackAsync(IEnumerable<ReceivedMessage> letters, CancellationToken cancellation)
    {
        foreach (var call in letters.Chunk(IMessageQueue.MaxBatch))
        {
            await queue.ExtendAsync([.. call.Select(letter => letter.Receipt)], TimeSpan.Zero, cancellation)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Deletes a letter.</summary>
    /// <returns>The outcome. After a lost lease the letter stays for its new holder.</returns>
    /// <exception cref="QueueUnavailableException">The queue could not be reached.</exception>
    public async Task<QueueOutcome> DeleteAsync(ReceivedMessage letter, CancellationToken cancellation) =>
        (await queue.DeleteAsync([letter.Receipt], cancellation).ConfigureAwait(false))[0];
}
