using ImageClassifier.Core;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>The latest reasons why nodes could not work, one per instance, newest first. A reason expires after an
/// hour, or once an instance that was launched after it works.</summary>
internal sealed class NodeProblems
{
    private const int Kept = 10;
    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(1);

    private readonly LinkedList<NodeProblem> _problems = [];

    /// <summary>A copy of the list.</summary>
    public IReadOnlyList<NodeProblem> Newest => [.. _problems];

    /// <summary>The newest reason that one of the instances reported; null if there is none.</summary>
    public string? ReasonOf(IReadOnlyCollection<InstanceId> instances) =>
        _problems.FirstOrDefault(problem => instances.Contains(problem.Instance))?.Reason;

    /// <summary>Adds a problem. The first reason of an instance counts.</summary>
    /// <returns>False if the instance has a reason already.</returns>
    public bool Add(NodeProblem problem)
    {
        if (_problems.Any(known => known.Instance == problem.Instance)) return false;
        _problems.AddFirst(problem);
        if (_problems.Count > Kept) _problems.RemoveLast();
        return true;
    }

    /// <summary>Removes the problems that are older than an instance which works.</summary>
    /// <param name="launchedAt">When the working instance was launched.</param>
    public void RemoveOlderThan(DateTimeOffset launchedAt) => RemoveWhere(problem => problem.At <= launchedAt);

    /// <summary>Removes the problems that have expired.</summary>
    public void Expire(DateTimeOffset now) => RemoveWhere(problem => now - problem.At >= KeptFor);

    private void RemoveWhere(Func<NodeProblem, bool> isOver)
    {
        foreach (var problem in _problems.Where(isOver).ToArray()) _problems.Remove(problem);
    }
}
