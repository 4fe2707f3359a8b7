namespace ImageClassifier.Core.Ports;

/// <summary>
/// Marks a failure of a port that stays until someone changes a permission, a key or a setting: access denied, a wrong
/// key, no such bucket or queue. Waiting is no help. All other failures of a store or a queue are outages, which pass.
/// </summary>
public interface IPermanentRefusal
{
    /// <summary>What was refused and why, as the store or the queue said it.</summary>
    string Message { get; }
}

/// <summary>The store refuses a call for good.</summary>
public sealed class StoreRefusedException(string message, Exception? inner = null)
    : IOException(message, inner), IPermanentRefusal;

/// <summary>The queue refuses a call for good.</summary>
public sealed class QueueRefusedException(string message, Exception? inner = null)
    : QueueUnavailableException(message, inner), IPermanentRefusal;
