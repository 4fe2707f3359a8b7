using ImageClassifier.Core;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Keeps account of launches: which the fleet does not show yet, and which failed. With it the cap also holds while
/// descriptions lag behind.
/// </summary>
internal sealed class LaunchLedger(TimeSpan launchTimeout)
{
    private readonly Dictionary<InstanceId, DateTimeOffset> _unseen = [];
    private readonly HashSet<InstanceId> _knownEnded = [];
    private readonly HashSet<InstanceId> _knownUp = [];
    private bool _looked;

    /// <summary>How many launches the fleet does not show yet.</summary>
    public int Unseen => _unseen.Count;

    /// <summary>Books what was launched.</summary>
    public void Launched(IEnumerable<InstanceId> instances, DateTimeOffset now)
    {
        foreach (var instance in instances) _unseen[instance] = now;
    }

    /// <summary>Compares with what the fleet shows.</summary>
    /// <returns>What turned out since the last look. The first look only learns what was there before.</returns>
    public LaunchNews Reconcile(IReadOnlyList<FleetInstance> fleet, DateTimeOffset now)
    {
        var failed = new List<InstanceId>();
        var cameUp = false;
        foreach (var instance in fleet)
        {
            _unseen.Remove(instance.Id);
            if (IsUp(instance) && _knownUp.Add(instance.Id)) cameUp |= _looked;
            if (instance.State != InstanceState.Ended || !_knownEnded.Add(instance.Id)) continue;
            if (_looked && instance.RunningAt is null) failed.Add(instance.Id);
        }

        foreach (var (instance, launchedAt) in _unseen)
        {
            if (now - launchedAt < launchTimeout) continue;
            failed.Add(instance);
            _unseen.Remove(instance);
        }

        _knownEnded.IntersectWith(fleet.Select(instance => instance.Id));
        _knownUp.IntersectWith(fleet.Select(instance => instance.Id));
        _looked = true;
        return new LaunchNews(failed, cameUp);
    }

    private static bool IsUp(FleetInstance instance) =>
        instance.RunningAt is not null || instance.State == InstanceState.Running;
}

/// <summary>How launches turned out.</summary>
/// <param name="Failed">The instances that ended before their first poll, or that the fleet never showed.</param>
/// <param name="AnyCameUp">Whether an instance came up.</param>
internal sealed record LaunchNews(IReadOnlyList<InstanceId> Failed, bool AnyCameUp);
