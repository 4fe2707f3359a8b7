namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The permissions of calls to SQS.</summary>
internal static class SqsCalls
{
    private const string Batch = "Batch";

    private static readonly string[] Known =
    [
        "GetQueueUrl", "CreateQueue", "DeleteQueue", "GetQueueAttributes", "SetQueueAttributes", "PurgeQueue",
        "TagQueue", "UntagQueue", "ListQueueTags", "SendMessage", "ReceiveMessage", "DeleteMessage",
        "ChangeMessageVisibility",
    ];

    public static IReadOnlyList<NeededPermission> Read(SignedRequest request)
    {
        // SendMessageBatch and the other batch calls have no permission of their own.
        var operation = request.Operation;
        if (operation.EndsWith(Batch, StringComparison.Ordinal)) operation = operation[..^Batch.Length];
        if (!Known.Contains(operation)) throw new NotModelledException($"sqs:{operation}");
        var queue = request.Text("QueueName") ?? request.Text("QueueUrl")!.Split('/')[^1];
        var arn = $"arn:aws:sqs:{request.Region}:{AccountFacts.Account}:{queue}";
        var needed = new NeededPermission($"sqs:{operation}", arn);
        return operation == "CreateQueue" && request.Text("tags") is not null
            ? [needed, new NeededPermission("sqs:TagQueue", arn)]
            : [needed];
    }
}
