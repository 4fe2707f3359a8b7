using System.Globalization;

namespace ImageClassifier.Node.Classification;

/// <summary>Whether the node can do its work. A picture at fault fails alone, between others that go well; where one after the
/// other fails, the model, the memory or the machine is at fault, and a node that goes on would only spend the receives of
/// pictures that are well. So would a node whose store or queue refuses its calls. Safe from any thread.</summary>
/// <param name="maxFailures">How many failures in a row are too many.</param>
/// <param name="onUnfit">Called once, with why the node cannot work.</param>
internal sealed class Fitness(int maxFailures, Action<string> onUnfit)
{
    private int _failures;
    private int _isUnfit;

    /// <summary>Whether the node ends because it cannot work.</summary>
    public bool IsUnfit => Volatile.Read(ref _isUnfit) == 1;

    /// <summary>A picture was classified.</summary>
    public void Classified()
    {
        // Past the limit it counts no more: the node is ending.
        if (Volatile.Read(ref _failures) is var failures and > 0 && failures < maxFailures)
            Interlocked.CompareExchange(ref _failures, 0, failures);
    }

    /// <summary>A picture could not be decoded or classified, and nothing says that it is at fault.</summary>
    public void Failed()
    {
        if (Interlocked.Increment(ref _failures) != maxFailures) return;
        EndAs(string.Create(CultureInfo.InvariantCulture,
            $"{maxFailures} pictures in a row could not be classified: the model, memory or machine is at fault."));
    }

    /// <summary>The store or a queue refused a call for good, each time that it was tried.</summary>
    /// <param name="refusal">What was refused, and why.</param>
    public void Refused(string refusal) => EndAs(refusal);

    private void EndAs(string problem)
    {
        if (Interlocked.Exchange(ref _isUnfit, 1) == 0) onUnfit(problem);
    }
}
