
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Node.Records;

/// <summary>The messages of <see cref="NodeRecordActor"/>.</summary>
internal interface INodeRecordMessage;

/// <summary>Asks to write the record with this state, now and at each interval.</summary>
internal sealed record KeepNodeRecord(InstanceState State) : INodeRecordMessage;

/// <summary>Asks to write the record a last time, with the problem that ends the node. The record stays for the web
/// tier. The reply is <see cref="NodeRecordClosed"/>.</summary>
internal sealed record WriteProblem(string Problem) : INodeRecordMessage;

/// <summary>Asks to delete the record and write no more. The reply is <see cref="NodeRecordClosed"/>.</summary>
internal sealed record DeleteNodeRecord : INodeRecordMessage
{
    public static DeleteNodeRecord Instance { get; } = new();
}

/// <summary>The record is not written any more. It is deleted or holds the problem, unless the store failed.</summary>
internal sealed record NodeRecordClosed : INodeRecordMessage
{
    public static NodeRecordClosed Instance { get; } = new();
}
