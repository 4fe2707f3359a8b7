using System.Globalization;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// Tracks the state of every instance: which work, which boot, which launches failed, and which must be terminated.
/// It combines four sources: what the fleet reports, the records of the nodes, the results that arrive, and the notes of
/// launches by earlier scalers.
/// </summary>
/// <remarks>All ages are measured by the scaler's clock, from when the scaler saw a change. No node's clock is
/// read.</remarks>
internal sealed class FleetTracker(FleetLimits limits)
{
    private static readonly TimeSpan RepeatTerminationAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RecordsKeptFor = TimeSpan.FromMinutes(10);

    private readonly Dictionary<InstanceId, Entry> _entries = [];
    private readonly Dictionary<InstanceId, Heartbeat> _heartbeats = [];
    // Instances that earlier scalers launched and the fleet does not show yet.
    private IReadOnlyList<DateTimeOffset> _unseenLaunchedAt = [];
    private DateTimeOffset? _lastUpdate;
    private DateTimeOffset? _readableSince;

    private bool HasBaseline => _lastUpdate is not null;

    /// <summary>The instances by state.</summary>
    public FleetCount Count
    {
        get
        {
            int In(InstanceState state) => _entries.Values.Count(entry => entry.State == state && !entry.IsSilent);
            return new FleetCount(
                In(InstanceState.Pending) + _unseenLaunchedAt.Count,
                In(InstanceState.Running),
                In(InstanceState.Draining),
                _entries.Values.Count(entry => entry.IsSilent));
        }
    }

    /// <summary>The instances that the fleet reports, with the last record of each.</summary>
    public IReadOnlyList<TrackedInstance> Instances =>
    [
        .. from entry in _entries.Values
           where entry.Reported is not null
           let record = _heartbeats.GetValueOrDefault(entry.Id)?.Record
           select new TrackedInstance(entry.Reported!, entry.State, entry.LastSeenAt, record),
    ];

    /// <summary>For each pending instance, the boot time that remains, from zero up.</summary>
    public IReadOnlyList<TimeSpan> BootsLeft(TimeSpan bootTime, DateTimeOffset now) =>
    [
        .. from launchedAt in _entries.Values
               .Where(entry => entry.State == InstanceState.Pending)
               .Select(entry => entry.LaunchedAt)
               .Concat(_unseenLaunchedAt)
           let left = bootTime - (now - launchedAt)
           select left > TimeSpan.Zero ? left : TimeSpan.Zero,
    ];

    /// <summary>Adds launched instances. A repeated launch can name instances that are tracked already.</summary>
    public void Launched(IEnumerable<InstanceId> instances, DateTimeOffset now)
    {
        foreach (var instance in instances) _entries.TryAdd(instance, new Entry(instance, now, isOurs: true));
    }

    /// <summary>Notes that an instance returned a result, so it is up.</summary>
    /// <returns>When the instance was launched; null if the instance is unknown.</returns>
    public DateTimeOffset? JobDone(InstanceId instance, DateTimeOffset now)
    {
        if (_entries.GetValueOrDefault(instance) is not { } entry) return null;
        entry.HasReturnedResult = true;
        entry.LastSeenAt = now;
        entry.IsSilent = false;
        return entry.LaunchedAt;
    }

    /// <summary>Takes in an observation. The first one is the baseline: what it shows is not reported as a
    /// change.</summary>
    public FleetChanges Update(Observation observation, DateTimeOffset now)
    {
        var changes = new FleetChanges();
        // After a long pause (the machine slept) no node has been heard from, so silence proves nothing.
        if (now - _lastUpdate > limits.SilenceLimit && _readableSince is not null) _readableSince = now;
        RecordHeartbeats(observation.Nodes, changes, now);
        foreach (var reported in observation.Fleet) Merge(reported, changes, now);
        DropMissing(observation, changes, now);
        if (observation.EarlierLaunches is { } launches) CountUnseen(launches);
        var newest = NewestWithResults();
        foreach (var entry in _entries.Values) Evaluate(entry, newest, changes, now);
        ExpireRecords(changes, now);
        _lastUpdate = now;
        return changes;
    }

    private void RecordHeartbeats(IReadOnlyList<StoredNodeRecord>? records, FleetChanges changes, DateTimeOffset now)
    {
        if (records is null) return;
        _readableSince ??= now;
        foreach (var stored in records)
        {
            if (!_heartbeats.TryGetValue(stored.Id, out var heartbeat))
                _heartbeats[stored.Id] = heartbeat = new Heartbeat();
            if (heartbeat.LastModified == stored.LastModified) continue;
            heartbeat.LastModified = stored.LastModified;
            heartbeat.Record = stored.Record ?? heartbeat.Record;
            heartbeat.SeenAt = now;
            if (stored.Record is not null) changes.NewRecords.Add(stored.Record);
            if (stored.Record?.Problem is { } problem) changes.Problems.Add((stored.Id, problem));
        }

        // A node deletes its record when it ends in order.
        var storedIds = records.Select(stored => stored.Id).ToHashSet();
        foreach (var gone in _heartbeats.Keys.Where(id => !storedIds.Contains(id)).ToArray()) _heartbeats.Remove(gone);
        foreach (var entry in _entries.Values)
        {
            entry.HasDeletedRecord = entry.HasRecord && !storedIds.Contains(entry.Id);
            entry.HasRecord |= storedIds.Contains(entry.Id);
        }
    }

    /// <summary>Notes that the records cannot be read: until they can, silence proves nothing.</summary>
    public void RecordsUnreadable() => _readableSince = null;

    private void Merge(FleetInstance reported, FleetChanges changes, DateTimeOffset now)
    {
        if (!_entries.TryGetValue(reported.Id, out var entry))
        {
            var age = now - reported.LaunchedAt;
            var launchedAt = age > TimeSpan.Zero ? reported.LaunchedAt : now;
            _entries[reported.Id] = entry = new Entry(reported.Id, launchedAt, isOurs: false);
        }

        entry.Reported = reported;
        var heartbeat = _heartbeats.GetValueOrDefault(reported.Id);
        // A node that cannot start writes a record as well: it says why.
        var hasProblem = heartbeat?.Record?.Problem is not null;
        AddFleetProblem(entry, hasProblem, changes);
        if (heartbeat is not null && (entry.LastSeenAt is null || heartbeat.SeenAt > entry.LastSeenAt))
            entry.LastSeenAt = heartbeat.SeenAt;
        var isUp = entry.HasReturnedResult || reported.RunningAt is not null || (heartbeat is not null && !hasProblem);
        if (isUp && !entry.IsUp)
        {
            entry.IsUp = true;
            entry.LastSeenAt ??= now;
            // Some fleets cannot tell whether a silent instance came up before it was terminated.
            changes.AnyCameUp |= HasBaseline && !entry.HasFailed;
            // The node's first poll is unknown if the instance started and ended between two observations.
            if (entry.IsOurs && !entry.HasFailed && reported.State != InstanceState.Ended)
            {
                changes.BootTimes.Add(
                    reported.RunningAt is { } running ? running - reported.LaunchedAt : now - entry.LaunchedAt);
            }
        }

        var before = entry.State;
        entry.State = reported.State switch
        {
            InstanceState.Ended => InstanceState.Ended,
            _ when entry.TerminationRequestedAt is not null || hasProblem => InstanceState.Draining,
            // Some fleets report a machine as running while its node still boots.
            InstanceState.Running when !entry.IsUp => InstanceState.Pending,
            // Those fleets do not know either that a node takes no more work.
            InstanceState.Running when heartbeat?.Record?.State == InstanceState.Draining || entry.HasDeletedRecord
                => InstanceState.Draining,
            var state => state,
        };
        if (hasProblem && !entry.HasFailed)
        {
            if (HasBaseline) changes.AddFailure(entry, "cannot work", cannotWork: true);
            // A failure that the baseline shows is old.
            entry.HasFailed = true;
        }

        if (entry.State == InstanceState.Ended && before != InstanceState.Ended && HasBaseline && !entry.IsUp
            && !entry.HasFailed)
            changes.AddFailure(entry, "never came up");
    }

    /// <summary>Reports a problem that the fleet knows of: once, and only if the node did not report it itself. A node
    /// that ended in order has no problem, though a fleet may take its short life for a failed start.</summary>
    private void AddFleetProblem(Entry entry, bool hasProblem, FleetChanges changes)
    {
        if (entry.Reported!.Problem is not { } problem || entry.IsProblemReported || entry.HasDeletedRecord) return;
        entry.IsProblemReported = true;
        if (HasBaseline && !hasProblem) changes.Problems.Add((entry.Id, problem));
    }

    private void DropMissing(Observation observation, FleetChanges changes, DateTimeOffset now)
    {
        var reported = observation.Fleet.Select(instance => instance.Id).ToHashSet();
        foreach (var entry in _entries.Values.Where(entry => !reported.Contains(entry.Id)).ToArray())
        {
            if (entry.Reported is null && now - entry.LaunchedAt < limits.LaunchTimeout) continue;
            if (entry.Reported is null) changes.AddFailure(entry, "never appeared in the fleet");
            _entries.Remove(entry.Id);
        }
    }

    private void CountUnseen(IReadOnlyList<EarlierLaunch> launches) => _unseenLaunchedAt =
    [
        .. launches.SelectMany(launch => Enumerable.Repeat(
            launch.At, Math.Max(0, launch.Count - launch.Found.Count(_entries.ContainsKey)))),
    ];

    private void Evaluate(Entry entry, Entry? newest, FleetChanges changes, DateTimeOffset now)
    {
        entry.IsSilent = entry.State == InstanceState.Running && SilentFor(entry, now) >= limits.SilentAfter;
        if (entry.Reported is null || entry.State == InstanceState.Ended) return;
        if (entry.TerminationRequestedAt is { } requested && now - requested < RepeatTerminationAfter) return;
        var outdated = IsOutdated(entry, newest) ? "it has another model or other settings" : null;
        if ((TerminationReason(entry, now) ?? outdated) is not { } reason) return;
        if (!entry.IsUp && !entry.HasFailed) changes.AddFailure(entry, "never came up");
        entry.TerminationRequestedAt = now;
        entry.State = InstanceState.Draining;
        changes.ToTerminate.Add(new Termination(entry.Id, reason));
    }

    /// <summary>True if the node has another model or other settings than a node that is launched now. If the web tier
    /// does not know what a new node gets, the newest node that has worked is the reference.</summary>
    private bool IsOutdated(Entry entry, Entry? newest)
    {
        if (RecordOf(entry) is not { State: InstanceState.Running } record) return false;
        // An instance that this web tier launched has its settings, whatever the record says.
        if (limits.Fingerprint is { } current) return !entry.IsOurs && record.Fingerprint != current;
        return newest is not null && entry.LaunchedAt < newest.LaunchedAt
            && record.Fingerprint != RecordOf(newest)!.Fingerprint;
    }

    private Entry? NewestWithResults() => _entries.Values
        .Where(entry => entry.State == InstanceState.Running && RecordOf(entry) is { PicturesDone: > 0 })
        .MaxBy(entry => entry.LaunchedAt);

    private NodeRecord? RecordOf(Entry entry) => _heartbeats.GetValueOrDefault(entry.Id)?.Record;

    private string? TerminationReason(Entry entry, DateTimeOffset now)
    {
        if (!entry.IsUp)
        {
            return BootDeadlineStart(entry) is { } since && now - since >= limits.BootDeadline
                ? $"it did not come up within {Text(limits.BootDeadline)}"
                : null;
        }

        if (limits.MaxLifetime > TimeSpan.Zero && now - entry.LaunchedAt >= limits.MaxLifetime)
            return $"it is older than {Text(limits.MaxLifetime)}";
        return SilentFor(entry, now) >= limits.SilenceLimit
            ? $"it was silent for {Text(limits.SilenceLimit)}"
            : null;
    }

    /// <summary>How long an instance has been silent; null if that is unknown.</summary>
    private TimeSpan? SilentFor(Entry entry, DateTimeOffset now) =>
        _readableSince is { } readable && entry.LastSeenAt is { } lastSeen
            ? now - (lastSeen > readable ? lastSeen : readable)
            : null;

    /// <summary>When the boot deadline of an instance starts to count; null if it does not count now.</summary>
    /// <remarks>The node's record may be the only proof that the instance is up: the fleet may report the machine as
    /// running, or an earlier web tier may have launched it. Then the deadline counts only while records can be
    /// read.</remarks>
    private DateTimeOffset? BootDeadlineStart(Entry entry)
    {
        if (entry.IsOurs && entry.Reported!.State == InstanceState.Pending) return entry.LaunchedAt;
        if (_readableSince is not { } readable) return null;
        return entry.IsOurs && readable > entry.LaunchedAt ? readable : entry.LaunchedAt;
    }

    private void ExpireRecords(FleetChanges changes, DateTimeOffset now)
    {
        foreach (var (id, heartbeat) in _heartbeats)
        {
            var isAlive = _entries.GetValueOrDefault(id) is { } entry && entry.State != InstanceState.Ended;
            if (!isAlive && now - heartbeat.SeenAt >= RecordsKeptFor) changes.StaleRecords.Add(id);
        }

        // A record that could not be deleted is found again at the next read.
        foreach (var id in changes.StaleRecords) _heartbeats.Remove(id);
    }

    private static string Text(TimeSpan time) => time switch
    {
        { TotalHours: >= 2 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0.#} h"),
        { TotalMinutes: >= 2 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0.#} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s"),
    };

    /// <summary>An instance that was launched or reported.</summary>
    internal sealed class Entry(InstanceId id, DateTimeOffset launchedAt, bool isOurs)
    {
        public InstanceId Id { get; } = id;

        public DateTimeOffset LaunchedAt { get; } = launchedAt;

        /// <summary>Whether this scaler launched the instance, and so knows when.</summary>
        public bool IsOurs { get; } = isOurs;

        public FleetInstance? Reported { get; set; }

        public InstanceState State { get; set; } = InstanceState.Pending;

        /// <summary>Whether the instance is reported as running, but has been silent too long to be at work.</summary>
        public bool IsSilent { get; set; }

        public bool HasReturnedResult { get; set; }

        public bool IsUp { get; set; }

        public bool HasFailed { get; set; }

        public bool IsProblemReported { get; set; }

        public bool HasRecord { get; set; }

        /// <summary>Whether the node has deleted its record, as a node does when it ends.</summary>
        public bool HasDeletedRecord { get; set; }

        public DateTimeOffset? LastSeenAt { get; set; }

        public DateTimeOffset? TerminationRequestedAt { get; set; }
    }

    private sealed class Heartbeat
    {
        public DateTimeOffset LastModified { get; set; }

        public DateTimeOffset SeenAt { get; set; }

        public NodeRecord? Record { get; set; }
    }
}

/// <summary>Time limits for the instances of a fleet.</summary>
/// <param name="LaunchTimeout">Age at which a launch that the fleet does not report has failed.</param>
/// <param name="BootDeadline">Age at which an instance that is not up is terminated.</param>
/// <param name="SilentAfter">Silence after which an instance no longer counts as working.</param>
/// <param name="SilenceLimit">Silence after which an instance is terminated.</param>
/// <param name="MaxLifetime">Age at which an instance is terminated in any case; zero: never.</param>
internal sealed record FleetLimits(
    TimeSpan LaunchTimeout, TimeSpan BootDeadline, TimeSpan SilentAfter, TimeSpan SilenceLimit, TimeSpan MaxLifetime)
{
    /// <summary>Identifies the model and the settings of nodes that are launched now; null if the web tier does not
    /// know them.</summary>
    public string? Fingerprint { get; init; }
}

/// <summary>An instance with its state and its last record.</summary>
/// <param name="Reported">What the fleet reports.</param>
/// <param name="State">The state from all sources; it can differ from the reported state.</param>
/// <param name="LastSeenAt">When the last record or result was seen, by the scaler's clock; null if none was.</param>
/// <param name="Record">The node's last record; null if there is none.</param>
public sealed record TrackedInstance(
    FleetInstance Reported, InstanceState State, DateTimeOffset? LastSeenAt, NodeRecord? Record);

/// <summary>An instance that must be terminated.</summary>
/// <param name="Instance">The instance.</param>
/// <param name="Reason">The reason, as the end of a sentence.</param>
internal sealed record Termination(InstanceId Instance, string Reason);

/// <summary>What changed since the last observation.</summary>
internal sealed class FleetChanges
{
    /// <summary>The launches that failed.</summary>
    public List<FailedInstance> Failed { get; } = [];

    /// <summary>Whether at least one instance came up.</summary>
    public bool AnyCameUp { get; set; }

    /// <summary>How long the instances that came up took to boot.</summary>
    public List<TimeSpan> BootTimes { get; } = [];

    /// <summary>Records that nodes have written.</summary>
    public List<NodeRecord> NewRecords { get; } = [];

    /// <summary>Reasons why nodes could not work and ended. The same reason can be reported again.</summary>
    public List<(InstanceId Instance, string Reason)> Problems { get; } = [];

    /// <summary>The instances that must be terminated.</summary>
    public List<Termination> ToTerminate { get; } = [];

    /// <summary>The instances whose records are never written again.</summary>
    public List<InstanceId> StaleRecords { get; } = [];

    /// <summary>Reports a failed launch. The entry's flag makes sure that it is reported once.</summary>
    public void AddFailure(FleetTracker.Entry entry, string failure, bool cannotWork = false)
    {
        entry.HasFailed = true;
        Failed.Add(new FailedInstance(entry.Id, failure, cannotWork));
    }
}

/// <summary>An instance whose launch failed.</summary>
/// <param name="Id">The instance.</param>
/// <param name="Failure">How it failed, as the end of a sentence.</param>
/// <param name="CannotWork">Whether the node started and then reported that it cannot work.</param>
internal sealed record FailedInstance(InstanceId Id, string Failure, bool CannotWork);
