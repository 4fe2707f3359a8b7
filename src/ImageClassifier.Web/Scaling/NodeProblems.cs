using ImageClassifier.Core;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>Why nodes ended that could not work: the latest reasons, one for an instance, newest first. They are
/// forgotten once an instance that was launched after them works, or when they are old.</summary>
internal sealed class NodeProblems
{
    private const int Kept = 10;
    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(1);

    private readonly LinkedList<NodeProblem> _problems = [];

    /// <summary>A copy of the list.</summary>
    public IReadOnlyList<NodeProblem> Newest => [.. _problems];

    /// <summary>The reason of the newest problem of some instances; null where none is known.</summary>
    public string? ReasonOf(IReadOnlyCollection<InstanceId> instances) =>
        _problems.FirstOrDefault(problem => instances.Contains(problem.Instance))?.Reason;

    /// <summary>Adds a problem. What an instance said first counts.</summary>
    /// <returns>Whether it is news.</returns>
    public bool Add(NodeProblem problem)
    {
        if (_problems.Any(known => known.Instance == problem.Instance)) return false;
        _problems.AddFirst(problem);
        if (_problems.Count > Kept) _problems.RemoveLast();
        return true;
    }

    /// <summary>An instance has done a job.</summary>
    /// <param name="launchedAt">When it was launched.</param>
    public void Worked(DateTimeOffset launchedAt) => Forget(problem => problem.At <= launchedAt);

    /// <summary>Forgets what is old.</summary>
    public void Age(DateTimeOffset now) => Forget(problem => now - problem.At >= KeptFor);

    private void Forget(Func<NodeProblem, bool> isOver)
    {
        foreach (var over in _problems.Where(isOver).ToArray()) _problems.Remove(over);
    }
}
