using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Queues;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Aws.Emulator;
using Xunit;

namespace ImageClassifier.Tests.Aws.Queues;

/// <summary>The handling of SQS's refusals, with SQS's own bodies.</summary>
public sealed class SqsFailureSpecs : IDisposable
{
    private const string Throttled = "com.amazonaws.sqs#RequestThrottled";

    private readonly StubbedAws _aws = new();
    private readonly SqsMessageQueue _queue;

    public SqsFailureSpecs() => _queue = new SqsMessageQueue(_aws.Sqs, new Uri(StubbedAws.QueueUrl));

    public void Dispose() => _aws.Dispose();

    [Fact]
    public async Task Each_entry_of_a_send_has_its_own_outcome()
    {
        _aws.On(StubbedAws.SqsCall("SendMessageBatch"), StubbedAws.Json(
            """
            {"Successful":[{"Id":"0","MessageId":"5fea7756-0ea4-451a-a703-a558b933e274",
              "MD5OfMessageBody":"0cc175b9c0f1b6a831c399e269772661","SequenceNumber":"18849496460467696128"}],
             "Failed":[
              {"Id":"1","SenderFault":true,"Code":"InvalidMessageContents","Message":"Invalid characters found."},
              {"Id":"2","SenderFault":false,"Code":"InternalError","Message":"We encountered an internal error."},
              {"Id":"3","SenderFault":true,"Code":"RequestThrottled","Message":"Request is throttled."}]}
            """));

        var outcomes = await _queue.SendAsync([.. Enumerable.Range(0, 5).Select(_ => Message("a"))], default);

        Assert.Equal(
            [
                QueueOutcomeKind.Done, QueueOutcomeKind.Invalid, QueueOutcomeKind.Retriable, QueueOutcomeKind.Retriable,
                // The answer did not mention this entry.
                QueueOutcomeKind.Retriable,
            ],
            outcomes.Select(outcome => outcome.Kind));
        Assert.Equal("InvalidMessageContents: Invalid characters found.", outcomes[1].Reason);
    }

    [Fact]
    public async Task An_expired_or_malformed_receipt_is_a_lost_lease()
    {
        const string answer =
            """
            {"Successful":[{"Id":"3"}],"Failed":[
              {"Id":"0","SenderFault":true,"Code":"InvalidParameterValue",
               "Message":"Value AQEBx for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."},
              {"Id":"1","SenderFault":true,"Code":"ReceiptHandleIsInvalid",
               "Message":"The input receipt handle is invalid."},
              {"Id":"2","SenderFault":false,"Code":"InternalError","Message":"We encountered an internal error."}]}
            """;
        _aws.On(StubbedAws.SqsCall("DeleteMessageBatch"), StubbedAws.Json(answer));
        _aws.On(StubbedAws.SqsCall("ChangeMessageVisibilityBatch"), StubbedAws.Json(answer));
        var receipts = Enumerable.Range(0, 4).Select(i => new Receipt($"AQEB{i}")).ToArray();
        QueueOutcomeKind[] expected =
        [
            QueueOutcomeKind.LeaseLost, QueueOutcomeKind.LeaseLost, QueueOutcomeKind.Retriable, QueueOutcomeKind.Done,
        ];

        var deleted = await _queue.DeleteAsync(receipts, default);
        var extended = await _queue.ExtendAsync(receipts, TimeSpan.FromSeconds(30), default);

        Assert.Equal(expected, deleted.Select(outcome => outcome.Kind));
        Assert.Equal(expected, extended.Select(outcome => outcome.Kind));
    }

    [Fact]
    public async Task A_throttled_call_is_retried_and_each_request_is_counted()
    {
        _aws.On(
            StubbedAws.SqsCall("ReceiveMessage"),
            StubbedAws.SqsError(400, Throttled, "RequestThrottled", "Request is throttled."),
            StubbedAws.Json("{}"));

        Assert.Empty(await _queue.ReceiveAsync(10, TimeSpan.Zero, TimeSpan.FromSeconds(30), default));

        Assert.Equal(2, _aws.Clients.Requests.ByOperation["SQS ReceiveMessage"]);
        Assert.Equal(2, _aws.Clients.Requests.Of("SQS"));
    }

    [Fact]
    public async Task A_permanent_refusal_gives_the_reason()
    {
        _aws.On(StubbedAws.SqsCall("SendMessageBatch"), StubbedAws.SqsForbidden("sqs:sendmessage"));
        _aws.On(StubbedAws.SqsCall("GetQueueAttributes"), StubbedAws.SqsError(
            400, "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist."));

        var refused = await Assert.ThrowsAsync<QueueRefusedException>(
            () => _queue.SendAsync([Message("a")], default));
        var missing = await Assert.ThrowsAsync<QueueRefusedException>(() => _queue.MeasureAsync(default));

        Assert.StartsWith("SQS SendMessageBatch failed: AccessDenied", refused.Message, StringComparison.Ordinal);
        Assert.Contains("sqs:sendmessage", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("no-secret", refused.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("SQS GetQueueAttributes failed: ", missing.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(403, "com.amazon.coral.service#ExpiredTokenException", "ExpiredToken")]
    [InlineData(400, Throttled, "RequestThrottled")]
    [InlineData(500, "com.amazonaws.sqs#InternalError", "InternalError")]
    public async Task A_temporary_failure_is_an_outage(int status, string type, string code)
    {
        _aws.On(StubbedAws.SqsCall("GetQueueAttributes"), StubbedAws.SqsError(status, type, code, "It passes."));

        // Exactly this type, because a refusal is one of these as well.
        await Assert.ThrowsAsync<QueueUnavailableException>(() => _queue.MeasureAsync(default));
    }

    [Theory]
    [InlineData(403, "com.amazon.coral.service#UnrecognizedClientException", "UnrecognizedClientException")]
    [InlineData(400, "com.amazonaws.sqs#KmsDisabled", "KMS.DisabledException")]
    public async Task Wrong_and_disabled_keys_are_refusals(int status, string type, string code)
    {
        _aws.On(StubbedAws.SqsCall("ReceiveMessage"), StubbedAws.SqsError(status, type, code, "It stays."));

        await Assert.ThrowsAsync<QueueRefusedException>(
            () => _queue.ReceiveAsync(1, TimeSpan.Zero, TimeSpan.FromSeconds(30), default));
    }

    [Fact]
    public async Task A_permanently_refused_entry_does_not_count_as_invalid()
    {
        _aws.On(StubbedAws.SqsCall("SendMessageBatch"), StubbedAws.Json(
            """
            {"Failed":[{"Id":"0","SenderFault":true,"Code":"KmsAccessDenied","Message":"The key denies access."}]}
            """));

        var outcome = Assert.Single(await _queue.SendAsync([Message("a")], default));

        Assert.Equal(new QueueOutcome(QueueOutcomeKind.Refused, "KmsAccessDenied: The key denies access."), outcome);
    }

    [Fact]
    public async Task Without_a_network_the_queue_is_unavailable()
    {
        using var clients = EmulatedAws.ClientsOf(new Uri("http://127.0.0.1:1"));
        var queue = new SqsMessageQueue(clients.Sqs(TimeSpan.Zero), new Uri(StubbedAws.QueueUrl));

        var failure = await Assert.ThrowsAsync<QueueUnavailableException>(
            () => queue.DeleteAsync([new Receipt("r")], default));

        Assert.StartsWith("SQS DeleteMessageBatch failed: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Missing_credentials_are_an_outage_with_advice_for_containers()
    {
        using var clients = EmulatedAws.ClientsOf(new Uri("http://127.0.0.1:1"), new MissingCredentials());
        var queue = new SqsMessageQueue(clients.Sqs(TimeSpan.Zero), new Uri(StubbedAws.QueueUrl));

        var failure = await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.MeasureAsync(default));

        Assert.Contains("Unable to get IAM security credentials", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith(MetadataAdvice.ForCredentials, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_call_ends_as_cancelled()
    {
        _aws.On(StubbedAws.SqsCall("GetQueueAttributes"), StubbedAws.Json("{}").WithDelay(TimeSpan.FromSeconds(20)));
        using var cancellation = new CancellationTokenSource();
        var measuring = _queue.MeasureAsync(cancellation.Token);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => measuring);
    }

    [Fact]
    public async Task A_running_poll_is_not_aborted_and_a_stopped_one_does_not_start()
    {
        _aws.On(StubbedAws.SqsCall("ReceiveMessage"), StubbedAws.Json(
            """
            {"Messages":[{"Body":"a","MD5OfBody":"0cc175b9c0f1b6a831c399e269772661","MessageId":"1",
              "ReceiptHandle":"AQEB0","Attributes":{"MessageGroupId":"g","ApproximateReceiveCount":"3"}}]}
            """).WithDelay(TimeSpan.FromMilliseconds(300)));
        using var stop = new CancellationTokenSource();
        var polling = _queue.ReceiveAsync(10, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), stop.Token);
        await stop.CancelAsync();

        Assert.Equal(new ReceivedMessage("a", "g", new Receipt("AQEB0"), 3), Assert.Single(await polling));
        Assert.Empty(await _queue.ReceiveAsync(10, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), stop.Token));
        Assert.Equal(1, _aws.Clients.Requests.Of("SQS"));
    }

    [Fact]
    public async Task Large_bodies_are_sent_in_several_calls()
    {
        _aws.On(StubbedAws.SqsCall("SendMessageBatch"), StubbedAws.Json("{}"));

        await _queue.SendAsync([.. Enumerable.Range(0, 5).Select(_ => Message(new string('x', 100 * 1024)))], default);

        Assert.Equal(3, _aws.Clients.Requests.Of("SQS"));
    }

    [Fact]
    public async Task Delayed_messages_count_as_waiting()
    {
        _aws.On(StubbedAws.SqsCall("GetQueueAttributes"), StubbedAws.Json(
            """
            {"Attributes":{"ApproximateNumberOfMessages":"4","ApproximateNumberOfMessagesNotVisible":"2",
              "ApproximateNumberOfMessagesDelayed":"1"}}
            """));

        Assert.Equal(new QueueMeasure(Waiting: 5, InFlight: 2), await _queue.MeasureAsync(default));
    }

    [Fact]
    public void The_time_limit_of_a_client_is_ten_seconds_beyond_its_longest_poll() =>
        Assert.Equal(TimeSpan.FromSeconds(15), _aws.Clients.Sqs(TimeSpan.FromSeconds(5)).Config.Timeout);

    [Fact]
    public async Task A_missing_queue_stops_the_start_with_its_setting()
    {
        _aws.On(StubbedAws.SqsCall("GetQueueUrl"), StubbedAws.SqsError(
            400, "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist."));

        var failure = await Assert.ThrowsAsync<Core.InvalidSettingException>(
            () => SqsQueueUrls.OpenAsync(_aws.Sqs, EmulatedAws.Settings(_aws.Endpoint).Queues, new AwsRequestCounter(), default));

        Assert.Equal(AwsQueuesSettings.RequestsKey, failure.Key);
    }

    private static OutgoingMessage Message(string body) =>
        new(body, Guid.NewGuid().ToString("n"), Guid.NewGuid().ToString("n"));
}
