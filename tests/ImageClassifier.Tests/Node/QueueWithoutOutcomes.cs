using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Tests.Node;

/// <summary>A queue with a fault that no stream expects: a delete returns no outcomes.</summary>
internal sealed class QueueWithoutOutcomes(IMessageQueue queue) : IMessageQueue
{
    public Task<IReadOnlyList<QueueOutcome>> SendAsync(
        IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellation) =>
        queue.SendAsync(messages, cancellation);

    public Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(
        int maxMessages, TimeSpan wait, TimeSpan lease, CancellationToken stopWaiting) =>
        queue.ReceiveAsync(maxMessages, wait, lease, stopWaiting);

    public Task<IReadOnlyList<QueueOutcome>> DeleteAsync(
        IReadOnlyList<Receipt> receipts, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<QueueOutcome>>(new QueueOutcome[receipts.Count]);

    public Task<IReadOnlyList<QueueOutcome>> ExtendAsync(
        IReadOnlyList<Receipt> receipts, TimeSpan lease, CancellationToken cancellation) =>
        queue.ExtendAsync(receipts, lease, cancellation);

    public Task<QueueMeasure> MeasureAsync(CancellationToken cancellation) => queue.MeasureAsync(cancellation);

    public Task CheckAsync(CancellationToken cancellation) => queue.CheckAsync(cancellation);

    public Task<string?> ContentsAsync(CancellationToken cancellation) => queue.ContentsAsync(cancellation);
}
