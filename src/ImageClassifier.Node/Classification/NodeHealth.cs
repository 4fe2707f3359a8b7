using System.Globalization;

namespace ImageClassifier.Node.Classification;

/// <summary>Decides whether the node can do its work. Safe from any thread.</summary>
/// <remarks>A bad picture fails alone, between pictures that succeed. Many failures in a row mean that the model, the
/// memory or the machine is at fault. Such a node ends, because it would only use up the receives of good pictures. A
/// node whose store or queue refuses its calls ends for the same reason.</remarks>
/// <param name="maxFailures">The number of failures in a row at which the node is unhealthy.</param>
/// <param name="onUnhealthy">Called once with the reason.</param>
internal sealed class NodeHealth(int maxFailures, Action<string> onUnhealthy)
{
    private int _failures;
    private int _isUnhealthy;

    /// <summary>True if the node ends because it cannot work.</summary>
    public bool IsUnhealthy => Volatile.Read(ref _isUnhealthy) == 1;

    /// <summary>Records a classified picture, which ends a row of failures.</summary>
    public void RecordClassified()
    {
        // At the limit the row is not broken any more: the node is ending.
        if (Volatile.Read(ref _failures) is var failures and > 0 && failures < maxFailures)
            Interlocked.CompareExchange(ref _failures, 0, failures);
    }

    /// <summary>Records a picture that could not be decoded or classified, unless the picture is known to be at
    /// fault.</summary>
    public void RecordFailure()
    {
        if (Interlocked.Increment(ref _failures) != maxFailures) return;
        EndAs(string.Create(CultureInfo.InvariantCulture,
            $"{maxFailures} pictures in a row could not be classified: the model, memory or machine is at fault."));
    }

    /// <summary>Records that the store or a queue refused a call for good, on each try.</summary>
    /// <param name="refusal">The refused call and the reason.</param>
    public void RecordRefusal(string refusal) => EndAs(refusal);

    private void EndAs(string problem)
    {
        if (Interlocked.Exchange(ref _isUnhealthy, 1) == 0) onUnhealthy(problem);
    }
}
