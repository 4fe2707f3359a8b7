using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Refusals;

/// <summary>A queue whose refusals are recorded.</summary>
/// <param name="queue">The queue.</param>
/// <param name="name">Its name in the log.</param>
/// <param name="isReceived">Whether the web tier receives from it; otherwise the web tier sends to it.</param>
/// <param name="refusals">Records the refusals.</param>
internal sealed class WatchedQueue(IMessageQueue queue, string name, bool isReceived, PortRefusals refusals)
    : IMessageQueue
{
    private readonly PortCall _send = new($"Sending to the {name}", IsNeededForUploads: !isReceived);
    private readonly PortCall _receive = new($"Receiving from the {name}", IsNeededForUploads: isReceived);
    private readonly PortCall _delete = new($"Deleting from the {name}", IsNeededForUploads: false);
    private readonly PortCall _extend = new($"Renewing leases of the {name}", IsNeededForUploads: false);
    private readonly PortCall _measure = new($"Measuring the {name}", IsNeededForUploads: false);

    public Task<IReadOnlyList<QueueOutcome>> SendAsync(
        IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellation) =>
        refusals.WatchAsync(_send, () => queue.SendAsync(messages, cancellation));

    public Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(
        int maxMessages, TimeSpan wait, TimeSpan lease, CancellationToken stopWaiting) =>
        refusals.WatchAsync(_receive, () => queue.ReceiveAsync(maxMessages, wait, lease, stopWaiting));

    public Task<IReadOnlyList<QueueOutcome>> DeleteAsync(
        IReadOnlyList<Receipt> receipts, CancellationToken cancellation) =>
        refusals.WatchAsync(_delete, () => queue.DeleteAsync(receipts, cancellation));

    public Task<IReadOnlyList<QueueOutcome>> ExtendAsync(
        IReadOnlyList<Receipt> receipts, TimeSpan lease, CancellationToken cancellation) =>
        refusals.WatchAsync(_extend, () => queue.ExtendAsync(receipts, lease, cancellation));

    public Task<QueueMeasure> MeasureAsync(CancellationToken cancellation) =>
        refusals.WatchAsync(_measure, () => queue.MeasureAsync(cancellation));

    public Task CheckAsync(CancellationToken cancellation) => queue.CheckAsync(cancellation);

    public Task<string?> ContentsAsync(CancellationToken cancellation) => queue.ContentsAsync(cancellation);
}
