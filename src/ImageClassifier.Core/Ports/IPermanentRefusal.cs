namespace ImageClassifier.Core.Ports;

/// <summary>
/// Marks a failure of a port that lasts until someone changes a permission, a key or a setting: access denied, a wrong
/// key, no such bucket or queue. Waiting does not help. All other failures of a store or a queue are outages, which
/// pass.
/// </summary>
public interface IPermanentRefusal
{
    /// <summary>The refused call and the reason, in the words of the store or the queue.</summary>
    string Message { get; }
}

/// <summary>The store refuses a call for good.</summary>
public sealed class StoreRefusedException(string message, Exception? inner = null)
    : IOException(message, inner), IPermanentRefusal;

/// <summary>The queue refuses a call for good.</summary>
public sealed class QueueRefusedException(string message, Exception? inner = null)
    : QueueUnavailableException(message, inner), IPermanentRefusal;
