using System.Globalization;
using Amazon.SQS;
using Amazon.SQS.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Aws.Queues;

/// <summary>One SQS FIFO queue. Its receive limit and its dead-letter queue are attributes of the queue. SQS counts
/// waits and leases in whole seconds, so fractions are rounded up.</summary>
/// <remarks>A poll is never cancelled, because its messages would stay hidden until their leases end. SQS does not
/// delete a message after its lease has ended, even if nobody else has received it. The SDK repeats a call after
/// throttling or a broken connection, and a repeated receive returns the same messages.</remarks>
public sealed class SqsMessageQueue : IMessageQueue
{
    private static readonly List<string> ReceivedAttributes =
    [
        MessageSystemAttributeName.ApproximateReceiveCount, MessageSystemAttributeName.MessageGroupId,
        MessageSystemAttributeName.SentTimestamp, MessageSystemAttributeName.ApproximateFirstReceiveTimestamp,
    ];

    private static readonly List<string> MeasuredAttributes =
    [
        QueueAttributeName.ApproximateNumberOfMessages, QueueAttributeName.ApproximateNumberOfMessagesDelayed,
        QueueAttributeName.ApproximateNumberOfMessagesNotVisible,
    ];

    private readonly IAmazonSQS _sqs;
    private readonly string _url;
    private readonly AwsRequestCounter? _counter;

    /// <summary>Creates the queue of a URL.</summary>
    /// <param name="sqs">A client whose time limit is longer than any wait. The caller disposes of it.</param>
    /// <param name="url">The URL of a FIFO queue.</param>
    /// <param name="counter">Counts the deleted messages.</param>
    public SqsMessageQueue(IAmazonSQS sqs, Uri url, AwsRequestCounter? counter = null)
    {
        _sqs = sqs;
        _counter = counter;
        _url = url.ToString();
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<QueueOutcome>> SendAsync(
        IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellation)
    {
        QueueArguments.CheckBatch(messages);
        var outcomes = messages.Select(SqsLimits.Check).ToArray();
        foreach (var call in SqsLimits.Calls(messages, i => outcomes[i].Succeeded))
        {
            var entries = call.Select(i => new SendMessageBatchRequestEntry(BatchAnswer.IdOf(i), messages[i].Body)
            {
                MessageGroupId = messages[i].GroupId,
                MessageDeduplicationId = messages[i].DeduplicationId,
            });
            var request = new SendMessageBatchRequest(_url, [.. entries]);
            var answer = await CallAsync("SendMessageBatch", _sqs.SendMessageBatchAsync, request, cancellation);
            new BatchAnswer(answer.Successful?.Select(entry => entry.Id), answer.Failed, BatchAnswer.OfSend)
                .CopyTo(outcomes, call);
        }

        return outcomes;
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(
        int maxMessages, TimeSpan wait, TimeSpan lease, CancellationToken stopWaiting)
    {
        QueueArguments.CheckReceive(maxMessages, wait, lease);
        if (stopWaiting.IsCancellationRequested) return [];

        var request = new ReceiveMessageRequest(_url)
        {
            MaxNumberOfMessages = maxMessages,
            WaitTimeSeconds = WholeSeconds(wait),
            VisibilityTimeout = WholeSeconds(lease),
            MessageSystemAttributeNames = ReceivedAttributes,
            ReceiveRequestAttemptId = Guid.NewGuid().ToString("n"),
        };
        var answer = await CallAsync("ReceiveMessage", _sqs.ReceiveMessageAsync, request, CancellationToken.None);
        return answer.Messages is { } messages ? [.. messages.Select(ToReceived)] : [];
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<QueueOutcome>> DeleteAsync(
        IReadOnlyList<Receipt> receipts, CancellationToken cancellation)
    {
        QueueArguments.CheckBatch(receipts);
        if (receipts.Count == 0) return [];
        var entries = receipts.Select((receipt, i) =>
            new DeleteMessageBatchRequestEntry(BatchAnswer.IdOf(i), receipt.Value));
        var request = new DeleteMessageBatchRequest(_url, [.. entries]);
        var answer = await CallAsync("DeleteMessageBatch", _sqs.DeleteMessageBatchAsync, request, cancellation);
        _counter?.AddDone(answer.Successful?.Count ?? 0);
        return new BatchAnswer(answer.Successful?.Select(entry => entry.Id), answer.Failed, BatchAnswer.OfReceipt)
            .Outcomes(receipts.Count);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<QueueOutcome>> ExtendAsync(
        IReadOnlyList<Receipt> receipts, TimeSpan lease, CancellationToken cancellation)
    {
        QueueArguments.CheckExtend(receipts, lease);
        if (receipts.Count == 0) return [];
        var entries = receipts.Select((receipt, i) =>
            new ChangeMessageVisibilityBatchRequestEntry(BatchAnswer.IdOf(i), receipt.Value)
            {
                VisibilityTimeout = WholeSeconds(lease),
            });
        var request = new ChangeMessageVisibilityBatchRequest(_url, [.. entries]);
        var answer = await CallAsync(
            "ChangeMessageVisibilityBatch", _sqs.ChangeMessageVisibilityBatchAsync, request, cancellation);
        return new BatchAnswer(answer.Successful?.Select(entry => entry.Id), answer.Failed, BatchAnswer.OfReceipt)
            .Outcomes(receipts.Count);
    }

    /// <inheritdoc />
    public async Task<QueueMeasure> MeasureAsync(CancellationToken cancellation)
    {
        var request = new GetQueueAttributesRequest(_url, MeasuredAttributes);
        var answer = await CallAsync("GetQueueAttributes", _sqs.GetQueueAttributesAsync, request, cancellation);
        // Delayed messages count as waiting.
        return new QueueMeasure(
            answer.ApproximateNumberOfMessages + answer.ApproximateNumberOfMessagesDelayed,
            answer.ApproximateNumberOfMessagesNotVisible);
    }

    /// <inheritdoc />
    /// <remarks>SQS keeps its messages itself.</remarks>
    public Task CheckAsync(CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc />
    public Task<string?> ContentsAsync(CancellationToken cancellation) => Task.FromResult<string?>(null);

    private static async Task<TAnswer> CallAsync<TRequest, TAnswer>(
        string operation,
        Func<TRequest, CancellationToken, Task<TAnswer>> call,
        TRequest request,
        CancellationToken cancellation)
    {
        try
        {
            return await call(request, cancellation);
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            throw SqsFailure.Of(operation, failure);
        }
    }

    private static ReceivedMessage ToReceived(Message message)
    {
        var receives = int.Parse(
            message.Attributes[MessageSystemAttributeName.ApproximateReceiveCount], CultureInfo.InvariantCulture);
        return new ReceivedMessage(
            message.Body,
            message.Attributes[MessageSystemAttributeName.MessageGroupId],
            new Receipt(message.ReceiptHandle),
            receives)
        {
            SentAt = TimeIn(message, MessageSystemAttributeName.SentTimestamp),
            // SQS tells only when a message was received first.
            ReceivedAt = receives == 1
                ? TimeIn(message, MessageSystemAttributeName.ApproximateFirstReceiveTimestamp)
                : null,
        };
    }

    private static DateTimeOffset? TimeIn(Message message, string attribute) =>
        message.Attributes.TryGetValue(attribute, out var text)
        && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : null;

    private static int WholeSeconds(TimeSpan time) => (int)Math.Ceiling(time.TotalSeconds);
}
