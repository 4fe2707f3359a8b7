using System.Globalization;
using System.Text.RegularExpressions;
using Amazon.EC2.Model;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using InstanceState = ImageClassifier.Core.Messages.InstanceState;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>
/// The fleet's instances: EC2's last description, the launches since, and the times at which this process first saw a
/// state. EC2's descriptions lag behind its launches. So an instance that was launched or shown a moment ago is kept,
/// even if the last description lacks it.
/// </summary>
/// <remarks>
/// EC2 knows machines, not nodes. <c>running</c> means that the machine has begun to boot: here it is
/// <see cref="InstanceState.Running"/>. In <c>shutting-down</c> and <c>stopping</c> the machine takes no work and still
/// counts: here it is <see cref="InstanceState.Draining"/>. A machine that is <c>stopped</c> has ended.
/// Only the node's record says when the node first polled. So <see cref="FleetInstance.RunningAt"/> is null while the
/// machine lives. After its end it is the time at which this process saw the machine run, or else the launch time. It
/// stays null if EC2 says that the machine never ran; this counts as a failed launch.
/// </remarks>
internal sealed partial class KnownInstances(TimeProvider time)
{
    private static readonly TimeSpan EndedShownFor = TimeSpan.FromMinutes(10);

    // EC2 promises "within seconds", but sometimes needs half a minute.
    private static readonly TimeSpan KeptWhileMissing = TimeSpan.FromMinutes(1);

    // Every node ends by turning its machine off. After so short a life the node may have been unable to run. Without
    // a record of the node this counts as a failed launch, or the fleet would launch a broken image for ever.
    private static readonly TimeSpan ShortLife = TimeSpan.FromMinutes(3);

    private readonly Lock _gate = new();
    private readonly Dictionary<InstanceId, Entry> _entries = [];

    /// <summary>Adds the instances of a launch's answer. They may have only their ids.</summary>
    public void Launched(LaunchToken launch, IEnumerable<Instance> instances)
    {
        lock (_gate)
        {
            foreach (var instance in instances) Update(instance, launch.Name);
        }
    }

    /// <summary>Takes a full description by EC2. An instance that is missing from it counts as gone after a
    /// minute.</summary>
    public void Described(IReadOnlyCollection<Instance> instances)
    {
        lock (_gate)
        {
            foreach (var instance in instances) Update(instance, LaunchOf(instance));
            var shown = instances.Select(instance => InstanceId.Parse(instance.InstanceId)).ToHashSet();
            foreach (var (id, entry) in _entries)
            {
                if (shown.Contains(id)) continue;
                if (entry.HasEnded || time.GetElapsedTime(entry.LastShown) >= KeptWhileMissing) _entries.Remove(id);
            }
        }
    }

    /// <summary>The instances that live, and those that ended in the last ten minutes.</summary>
    public IReadOnlyList<FleetInstance> Instances()
    {
        lock (_gate)
        {
            return
            [
                .. _entries.Values
                    .Where(entry => !entry.HasEnded || time.GetElapsedTime(entry.EndedSince) < EndedShownFor)
                    .Select(entry => entry.ToFleetInstance()),
            ];
        }
    }

    /// <summary>The instances of a launch, also those that ended.</summary>
    public IReadOnlyList<InstanceId> LaunchedWith(LaunchToken token)
    {
        lock (_gate)
        {
            return [.. _entries.Where(entry => entry.Value.Launch == token.Name).Select(entry => entry.Key)];
        }
    }

    private void Update(Instance instance, string? launch)
    {
        var id = InstanceId.Parse(instance.InstanceId);
        if (!_entries.TryGetValue(id, out var entry)) _entries[id] = entry = new Entry(id, time.GetUtcNow());
        entry.Launch ??= launch;
        entry.Show(instance, time);
    }

    private static string? LaunchOf(Instance instance) =>
        instance.Tags?.Find(tag => tag.Key == Ec2InstanceFleet.LaunchTag)?.Value;

    private static InstanceState StateOf(Instance instance) => instance.State?.Name?.Value switch
    {
        "running" => InstanceState.Running,
        "shutting-down" or "stopping" => InstanceState.Draining,
        "terminated" or "stopped" => InstanceState.Ended,
        _ => InstanceState.Pending,
    };

    /// <summary>The time in "User initiated (2025-01-31 12:00:00 GMT)"; null if EC2 gives none.</summary>
    private static DateTimeOffset? TransitionTime(string? reason)
    {
        var match = TimeInReason().Match(reason ?? "");
        return match.Success && DateTimeOffset.TryParseExact(
            match.Groups[1].Value, "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal, out var at)
            ? at
            : null;
    }

    [GeneratedRegex(@"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")]
    private static partial Regex TimeInReason();

    private sealed class Entry(InstanceId id, DateTimeOffset firstShownAt)
    {
        // CreateFleet's answer has no launch time; a description has.
        private DateTimeOffset _launchedAt = firstShownAt;
        private InstanceState? _state;
        private bool _mayHaveRun = true;
        private long _firstShown;
        private DateTimeOffset? _seenRunningAt;
        private DateTimeOffset? _endedAt;
        private string? _problem;

        public string? Launch { get; set; }

        public long LastShown { get; private set; }

        public long EndedSince { get; private set; }

        public bool HasEnded => _state == InstanceState.Ended;

        public void Show(Instance instance, TimeProvider time)
        {
            LastShown = time.GetTimestamp();
            if (_state is null) _firstShown = LastShown;
            if (instance.LaunchTime is { } launchTime) _launchedAt = new DateTimeOffset(launchTime);
            var state = StateOf(instance);
            // States only move forward. An earlier state comes from a repeated launch or a description that lags.
            if (state <= _state) return;

            if (state == InstanceState.Running && _state == InstanceState.Pending) _seenRunningAt = time.GetUtcNow();
            if (state == InstanceState.Ended)
            {
                EndedSince = time.GetTimestamp();
                var transition = TransitionTime(instance.StateTransitionReason);
                _endedAt = transition ?? time.GetUtcNow();
                // Both times are EC2's, or both are this process's: their clocks may differ.
                _mayHaveRun = MayHaveRun(instance, transition - _launchedAt ?? SeenFor(time));
                _problem = _mayHaveRun ? null : ProblemOf(instance);
            }

            _state = state;
        }

        public FleetInstance ToFleetInstance()
        {
            var runningAt = HasEnded && _mayHaveRun ? _seenRunningAt ?? _launchedAt : (DateTimeOffset?)null;
            return new FleetInstance(
                id, _state ?? InstanceState.Pending, _launchedAt, runningAt, HasEnded ? _endedAt : null, _problem);
        }

        private static string ProblemOf(Instance instance) => instance.StateReason switch
        {
            { Code: "Client.InstanceInitiatedShutdown" } =>
                "The machine shut itself down soon after its start. Its system log (journal) says why.",
            { Message: { Length: > 0 } message } => message,
            _ => "EC2 ended the machine and gave no reason.",
        };

        private TimeSpan SeenFor(TimeProvider time) =>
            _state is null ? TimeSpan.MaxValue : time.GetElapsedTime(_firstShown);

        private bool MayHaveRun(Instance instance, TimeSpan life) => instance.StateReason?.Code switch
        {
            "Client.InstanceInitiatedShutdown" => life >= ShortLife,
            "Client.UserInitiatedShutdown" or "Client.UserInitiatedHibernate" or "Server.SpotInstanceTermination"
                or "Server.SpotInstanceShutdown" or "Server.ScheduledStop" or null or "" => true,
            // The reasons for which EC2 could not start a machine: no capacity, a volume or snapshot without
            // permission, an internal error.
            _ => _seenRunningAt is not null || _state is InstanceState.Running or InstanceState.Draining,
        };
    }
}
