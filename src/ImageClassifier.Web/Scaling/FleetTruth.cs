using System.Globalization;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Scaling;

/// <summary>
/// What is true of the fleet, put together from what it says, from the records of its nodes and from the results that
/// come: which instances work, which still boot, which launches failed, and which are to be ended because
/// they never came up, went silent or are too old. All ages are by the scaler's own clock, from when it saw something
/// change; no node's clock is read.
/// </summary>
internal sealed class FleetTruth(FleetLimits limits)
{
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RecordsKeptFor = TimeSpan.FromMinutes(10);

    private readonly Dictionary<InstanceId, Known> _known = [];
    private readonly Dictionary<InstanceId, Heard> _heard = [];
    private DateTimeOffset? _lastLook;
    private DateTimeOffset? _readableSince;

    private bool HasLooked => _lastLook is not null;

    /// <summary>How many launches the fleet does not show yet.</summary>
    public int Unseen => _known.Values.Count(known => known.Shown is null);

    /// <summary>The instances by state.</summary>
    public FleetCount Count
    {
        get
        {
            int In(InstanceState state) => _known.Values.Count(known => known.State == state && !known.IsQuiet);
            return new FleetCount(
                In(InstanceState.Pending),
                In(InstanceState.Running),
                In(InstanceState.Draining),
                _known.Values.Count(known => known.IsQuiet));
        }
    }

    /// <summary>All that the fleet shows, with what is known of them besides.</summary>
    public IReadOnlyList<KnownInstance> Instances =>
    [
        .. from known in _known.Values
           where known.Shown is not null
           let record = _heard.GetValueOrDefault(known.Id)?.Record
           select new KnownInstance(known.Shown!, known.State, known.HeardAt, record),
    ];

    /// <summary>For each pending instance, how long it will still boot if it takes as long as others did.</summary>
    public IReadOnlyList<TimeSpan> BootsLeft(TimeSpan bootTime, DateTimeOffset now) =>
    [
        .. from known in _known.Values
           where known.State == InstanceState.Pending
           let left = bootTime - (now - known.LaunchedAt)
           select left > TimeSpan.Zero ? left : TimeSpan.Zero,
    ];

    /// <summary>Books what was launched. A launch that is asked for again names instances that may be known by now.
    /// </summary>
    public void Launched(IEnumerable<InstanceId> instances, DateTimeOffset now)
    {
        foreach (var instance in instances) _known.TryAdd(instance, new Known(instance, now, isOurs: true));
    }

    /// <summary>A result came from an instance, so it is up.</summary>
    /// <returns>When the instance was launched; null where no one knows it.</returns>
    public DateTimeOffset? JobDone(InstanceId instance, DateTimeOffset now)
    {
        if (_known.GetValueOrDefault(instance) is not { } known) return null;
        known.HasShownWork = true;
        known.HeardAt = now;
        known.IsQuiet = false;
        return known.LaunchedAt;
    }

    /// <summary>Compares with what was seen. The first look only learns what was there before.</summary>
    public FleetNews Look(Observation seen, DateTimeOffset now)
    {
        var news = new FleetNews();
        // Who did not look for long, as on a machine that slept, has heard of no one.
        if (now - _lastLook > limits.SilenceLimit && _readableSince is not null) _readableSince = now;
        Hear(seen.Nodes, news, now);
        foreach (var shown in seen.Fleet) Compare(shown, news, now);
        MissUnseen(seen, news, now);
        var newest = NewestThatWorked();
        foreach (var known in _known.Values) Judge(known, newest, news, now);
        ForgetRecords(news, now);
        _lastLook = now;
        return news;
    }

    private void Hear(IReadOnlyList<NodeSighting>? sightings, FleetNews news, DateTimeOffset now)
    {
        if (sightings is null) return;
        _readableSince ??= now;
        foreach (var sighting in sightings)
        {
            if (!_heard.TryGetValue(sighting.Id, out var heard)) _heard[sighting.Id] = heard = new Heard();
            if (heard.LastModified == sighting.LastModified) continue;
            heard.LastModified = sighting.LastModified;
            heard.Record = sighting.Record ?? heard.Record;
            heard.At = now;
            if (sighting.Record is not null) news.Records.Add(sighting.Record);
            if (sighting.Record?.Problem is { } problem) news.Problems.Add((sighting.Id, problem));
        }

        // A node that ended in order has taken its record with it.
        var there = sightings.Select(sighting => sighting.Id).ToHashSet();
        foreach (var gone in _heard.Keys.Where(id => !there.Contains(id)).ToArray()) _heard.Remove(gone);
        foreach (var known in _known.Values)
        {
            known.HasSignedOff = known.HasKeptRecord && !there.Contains(known.Id);
            known.HasKeptRecord |= there.Contains(known.Id);
        }
    }

    /// <summary>Silence cannot be told from a store that does not answer.</summary>
    public void RecordsUnreadable() => _readableSince = null;

    private void Compare(FleetInstance shown, FleetNews news, DateTimeOffset now)
    {
        if (!_known.TryGetValue(shown.Id, out var known))
        {
            var age = now - shown.LaunchedAt;
            var launchedAt = age > TimeSpan.Zero ? shown.LaunchedAt : now;
            _known[shown.Id] = known = new Known(shown.Id, launchedAt, isOurs: false);
        }

        known.Shown = shown;
        var heard = _heard.GetValueOrDefault(shown.Id);
        // A node that died at its start leaves a record as well.
        var hasGivenUp = heard?.Record?.Problem is not null;
        NoteProblem(known, hasGivenUp, news);
        if (heard is not null && (known.HeardAt is null || heard.At > known.HeardAt)) known.HeardAt = heard.At;
        var isUp = known.HasShownWork || shown.RunningAt is not null || (heard is not null && !hasGivenUp);
        if (isUp && !known.IsUp)
        {
            known.IsUp = true;
            known.HeardAt ??= now;
            // Some fleets cannot tell whether one that was ended unheard of had come up.
            news.AnyCameUp |= HasLooked && !known.HasFailed;
            // Of one that came and went between two looks, no one knows when its node first polled.
            if (known.IsOurs && !known.HasFailed && shown.State != InstanceState.Ended)
                news.Boots.Add(shown.RunningAt is { } running ? running - shown.LaunchedAt : now - known.LaunchedAt);
        }

        var before = known.State;
        known.State = shown.State switch
        {
            InstanceState.Ended => InstanceState.Ended,
            _ when known.EndAskedAt is not null || hasGivenUp => InstanceState.Draining,
            // Some fleets call a machine running while its node still boots.
            InstanceState.Running when !known.IsUp => InstanceState.Pending,
            // Nor do they know that a node takes no more work.
            InstanceState.Running when heard?.Record?.State == InstanceState.Draining || known.HasSignedOff
                => InstanceState.Draining,
            var state => state,
        };
        if (hasGivenUp && !known.HasFailed)
        {
            if (HasLooked) news.Fail(known, "cannot work", isUnfit: true);
            // What happened before the first look is no news.
            known.HasFailed = true;
        }

        if (known.State == InstanceState.Ended && before != InstanceState.Ended && HasLooked && !known.IsUp
            && !known.HasFailed)
            news.Fail(known, "never came up");
    }

    /// <summary>What the fleet knows of a problem is told once, and only where the node did not say it itself. A node
    /// that ended in order has none: a fleet may take a short life for a failed start.</summary>
    private void NoteProblem(Known known, bool hasGivenUp, FleetNews news)
    {
        if (known.Shown!.Problem is not { } problem || known.HasToldProblem || known.HasSignedOff) return;
        known.HasToldProblem = true;
        if (HasLooked && !hasGivenUp) news.Problems.Add((known.Id, problem));
    }

    private void MissUnseen(Observation seen, FleetNews news, DateTimeOffset now)
    {
        var shown = seen.Fleet.Select(instance => instance.Id).ToHashSet();
        foreach (var known in _known.Values.Where(known => !shown.Contains(known.Id)).ToArray())
        {
            if (known.Shown is null && now - known.LaunchedAt < limits.LaunchTimeout) continue;
            if (known.Shown is null) news.Fail(known, "never showed");
            _known.Remove(known.Id);
        }
    }

    private void Judge(Known known, Known? newest, FleetNews news, DateTimeOffset now)
    {
        known.IsQuiet = known.State == InstanceState.Running && SilentFor(known, now) >= limits.QuietAfter;
        if (known.Shown is null || known.State == InstanceState.Ended) return;
        if (known.EndAskedAt is { } asked && now - asked < AskAgainAfter) return;
        var why = WhyEnd(known, now) ?? (IsOutdated(known, newest) ? "it has another model or other settings" : null);
        if (why is not { } reason) return;
        if (!known.IsUp && !known.HasFailed) news.Fail(known, "never came up");
        known.EndAskedAt = now;
        known.State = InstanceState.Draining;
        news.ToEnd.Add(new Ending(known.Id, reason));
    }

    /// <summary>Whether its node answers otherwise than those that are launched now, and so is to make room for them.
    /// Where the web tier does not know what those run, the newest node that has worked tells.</summary>
    private bool IsOutdated(Known known, Known? newest)
    {
        if (RecordOf(known) is not { State: InstanceState.Running } record) return false;
        // What this web tier launched has its settings, whatever the record says.
        if (limits.Fingerprint is { } current) return !known.IsOurs && record.Fingerprint != current;
        return newest is not null && known.LaunchedAt < newest.LaunchedAt
            && record.Fingerprint != RecordOf(newest)!.Fingerprint;
    }

    private Known? NewestThatWorked() => _known.Values
        .Where(known => known.State == InstanceState.Running && RecordOf(known) is { PicturesDone: > 0 })
        .MaxBy(known => known.LaunchedAt);

    private NodeRecord? RecordOf(Known known) => _heard.GetValueOrDefault(known.Id)?.Record;

    private string? WhyEnd(Known known, DateTimeOffset now)
    {
        if (!known.IsUp)
        {
            return BootingSince(known) is { } since && now - since >= limits.BootDeadline
                ? $"it did not come up within {Text(limits.BootDeadline)}"
                : null;
        }

        if (limits.MaxLifetime > TimeSpan.Zero && now - known.LaunchedAt >= limits.MaxLifetime)
            return $"it is older than {Text(limits.MaxLifetime)}";
        return SilentFor(known, now) >= limits.SilenceLimit
            ? $"nothing was heard of it for {Text(limits.SilenceLimit)}"
            : null;
    }

    /// <summary>How long nothing was heard of an instance; null where no one can tell.</summary>
    private TimeSpan? SilentFor(Known known, DateTimeOffset now) =>
        _readableSince is { } readable && known.HeardAt is { } heard
            ? now - (heard > readable ? heard : readable)
            : null;

    /// <summary>Where the fleet calls a machine running, or an earlier web tier launched it, its record alone may tell
    /// that it is up: then it is judged only while records can be read. Null: not to be judged.</summary>
    private DateTimeOffset? BootingSince(Known known)
    {
        if (known.IsOurs && known.Shown!.State == InstanceState.Pending) return known.LaunchedAt;
        if (_readableSince is not { } readable) return null;
        return known.IsOurs && readable > known.LaunchedAt ? readable : known.LaunchedAt;
    }

    private void ForgetRecords(FleetNews news, DateTimeOffset now)
    {
        foreach (var (id, heard) in _heard)
        {
            var lives = _known.GetValueOrDefault(id) is { } known && known.State != InstanceState.Ended;
            if (!lives && now - heard.At >= RecordsKeptFor) news.StaleRecords.Add(id);
        }

        // One that could not be deleted is heard of anew when records are read.
        foreach (var id in news.StaleRecords) _heard.Remove(id);
    }

    private static string Text(TimeSpan time) => time switch
    {
        { TotalHours: >= 2 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0.#} h"),
        { TotalMinutes: >= 2 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0.#} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s"),
    };

    /// <summary>An instance, from its launch or from when it was first seen.</summary>
    internal sealed class Known(InstanceId id, DateTimeOffset launchedAt, bool isOurs)
    {
        public InstanceId Id { get; } = id;

        public DateTimeOffset LaunchedAt { get; } = launchedAt;

        /// <summary>Whether this scaler launched it, and so knows when.</summary>
        public bool IsOurs { get; } = isOurs;

        public FleetInstance? Shown { get; set; }

        public InstanceState State { get; set; } = InstanceState.Pending;

        /// <summary>Whether it runs and was not heard of for so long that it cannot be at work.</summary>
        public bool IsQuiet { get; set; }

        public bool HasShownWork { get; set; }

        public bool IsUp { get; set; }

        public bool HasFailed { get; set; }

        public bool HasToldProblem { get; set; }

        public bool HasKeptRecord { get; set; }

        /// <summary>Whether its node has taken its record back, as one does that ends.</summary>
        public bool HasSignedOff { get; set; }

        public DateTimeOffset? HeardAt { get; set; }

        public DateTimeOffset? EndAskedAt { get; set; }
    }

    private sealed class Heard
    {
        public DateTimeOffset LastModified { get; set; }

        public DateTimeOffset At { get; set; }

        public NodeRecord? Record { get; set; }
    }
}

/// <summary>How long things may take in a fleet.</summary>
/// <param name="LaunchTimeout">After this time a launch that the fleet does not show has failed.</param>
/// <param name="BootDeadline">After this time an instance that has not come up is ended.</param>
/// <param name="QuietAfter">After this time an instance of which nothing is heard counts as one that does no
/// work.</param>
/// <param name="SilenceLimit">After this time an instance of which nothing is heard is ended.</param>
/// <param name="MaxLifetime">After this time an instance is ended in any case; zero: never.</param>
internal sealed record FleetLimits(
    TimeSpan LaunchTimeout, TimeSpan BootDeadline, TimeSpan QuietAfter, TimeSpan SilenceLimit, TimeSpan MaxLifetime)
{
    /// <summary>Stands for the model and the settings of nodes that are launched now; null where the web tier cannot
    /// know.</summary>
    public string? Fingerprint { get; init; }
}

/// <summary>An instance with all that is known of it.</summary>
/// <param name="Shown">What the fleet says.</param>
/// <param name="State">What it is in truth.</param>
/// <param name="HeardAt">When it was last heard of, by the scaler's clock; null while it never was.</param>
/// <param name="Record">What its node last wrote; null while it wrote nothing.</param>
public sealed record KnownInstance(
    FleetInstance Shown, InstanceState State, DateTimeOffset? HeardAt, NodeRecord? Record);

/// <summary>An instance that is to be ended.</summary>
/// <param name="Instance">Which.</param>
/// <param name="Reason">Why, as the end of a sentence.</param>
internal sealed record Ending(InstanceId Instance, string Reason);

/// <summary>What turned out since the last look.</summary>
internal sealed class FleetNews
{
    /// <summary>The launches that failed.</summary>
    public List<FailedInstance> Failed { get; } = [];

    /// <summary>Whether an instance came up.</summary>
    public bool AnyCameUp { get; set; }

    /// <summary>How long those that came up took.</summary>
    public List<TimeSpan> Boots { get; } = [];

    /// <summary>What nodes wrote.</summary>
    public List<NodeRecord> Records { get; } = [];

    /// <summary>Why nodes ended that could not work; the same one may come again.</summary>
    public List<(InstanceId Instance, string Reason)> Problems { get; } = [];

    /// <summary>The instances that are to be ended.</summary>
    public List<Ending> ToEnd { get; } = [];

    /// <summary>The instances whose records no one will write again.</summary>
    public List<InstanceId> StaleRecords { get; } = [];

    /// <summary>A launch failed; said once.</summary>
    public void Fail(FleetTruth.Known known, string how, bool isUnfit = false)
    {
        known.HasFailed = true;
        Failed.Add(new FailedInstance(known.Id, how, isUnfit));
    }
}

/// <summary>An instance that was launched in vain.</summary>
/// <param name="Id">Which.</param>
/// <param name="How">How it failed, as the end of a sentence.</param>
/// <param name="IsUnfit">Whether its node started and said that it cannot work.</param>
internal sealed record FailedInstance(InstanceId Id, string How, bool IsUnfit);
