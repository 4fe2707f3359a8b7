using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing.Fakes;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>A queue for one program, which can be killed. It counts the messages that the program holds.</summary>
internal sealed class KillableQueue : IMessageQueue
{
    private readonly FakeMessageQueue _queue;
    private readonly Lifeline _lifeline;
    private readonly Lock _lock = new();
    private readonly HashSet<Receipt> _held = [];
    private readonly HashSet<CancellationToken> _polls = [];

    public KillableQueue(FakeMessageQueue queue, Lifeline lifeline)
    {
        _queue = queue;
        _lifeline = lifeline;
        lifeline.WhenCut(AbortPolls);
    }

    /// <summary>The messages that the program has received and neither deleted nor handed back.</summary>
    public int InHand
    {
        get
        {
            lock (_lock) return _held.Count;
        }
    }

    /// <summary>The most messages that the program ever held.</summary>
    public int MostInHand { get; private set; }

    public Task<IReadOnlyList<QueueOutcome>> SendAsync(
        IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellation) =>
        _lifeline.CallAsync(() => _queue.SendAsync(messages, cancellation));

    public Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(
        int maxMessages, TimeSpan wait, TimeSpan lease, CancellationToken stopWaiting) =>
        _lifeline.CallAsync(async () =>
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopWaiting);
            lock (_lock) _polls.Add(stop.Token);
            var messages = await _queue.ReceiveAsync(maxMessages, wait, lease, stop.Token);
            lock (_lock)
            {
                _polls.Remove(stop.Token);
                foreach (var message in messages) _held.Add(message.Receipt);
                MostInHand = Math.Max(MostInHand, _held.Count);
            }

            return messages;
        });

    public Task<IReadOnlyList<QueueOutcome>> DeleteAsync(
        IReadOnlyList<Receipt> receipts, CancellationToken cancellation) =>
        _lifeline.CallAsync(async () =>
        {
            var outcomes = await _queue.DeleteAsync(receipts, cancellation);
            Settle(receipts, outcomes, ends: true);
            return outcomes;
        });

    public Task<IReadOnlyList<QueueOutcome>> ExtendAsync(
        IReadOnlyList<Receipt> receipts, TimeSpan lease, CancellationToken cancellation) =>
        _lifeline.CallAsync(async () =>
        {
            var outcomes = await _queue.ExtendAsync(receipts, lease, cancellation);
            Settle(receipts, outcomes, ends: lease <= TimeSpan.Zero);
            return outcomes;
        });

    public Task<QueueMeasure> MeasureAsync(CancellationToken cancellation) =>
        _lifeline.CallAsync(() => _queue.MeasureAsync(cancellation));

    public Task CheckAsync(CancellationToken cancellation) =>
        _lifeline.CallAsync(() => _queue.CheckAsync(cancellation));

    public Task<string?> ContentsAsync(CancellationToken cancellation) =>
        _lifeline.CallAsync(() => _queue.ContentsAsync(cancellation));

    private void Settle(IReadOnlyList<Receipt> receipts, IReadOnlyList<QueueOutcome> outcomes, bool ends)
    {
        lock (_lock)
        {
            foreach (var (receipt, outcome) in receipts.Zip(outcomes))
            {
                if (outcome.Kind == QueueOutcomeKind.LeaseLost || (ends && outcome.Succeeded)) _held.Remove(receipt);
            }
        }
    }

    private void AbortPolls()
    {
        CancellationToken[] polls;
        lock (_lock) polls = [.. _polls];
        foreach (var poll in polls) _queue.BreakOff(poll);
    }
}
