using ImageClassifier.Core.Ports;

namespace ImageClassifier.Node.Records;

/// <summary>What is said to and by the <see cref="NodeRecordActor"/>.</summary>
internal interface INodeRecordMessage;

/// <summary>Write the record now and from time to time, with this state.</summary>
internal sealed record KeepNodeRecord(InstanceState State) : INodeRecordMessage;

/// <summary>Write the record a last time, with why the node cannot work: it stays for the web tier to read. Answered by
/// <see cref="NodeRecordClosed"/>.</summary>
internal sealed record LeaveProblem(string Problem) : INodeRecordMessage;

/// <summary>Delete the record, and write it no more. Answered by <see cref="NodeRecordClosed"/>.</summary>
internal sealed record DeleteNodeRecord : INodeRecordMessage
{
    public static DeleteNodeRecord Instance { get; } = new();
}

/// <summary>The record is written no more. It is deleted, or says the problem, unless the store failed.</summary>
internal sealed record NodeRecordClosed : INodeRecordMessage
{
    public static NodeRecordClosed Instance { get; } = new();
}
