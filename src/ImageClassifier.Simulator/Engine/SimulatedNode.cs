using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Records;
using ImageClassifier.Node.Termination;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Simulator.Engine;

/// <summary>
/// An instance with its app node. It polls like the node's queue source: for ten when ten credits are free, for the
/// free credits when nothing is in hand, and with one poll under way. It works on one picture at a time. Results and
/// deletes linger to share calls. It ends itself by the program's own <see cref="IdleRule"/> and
/// <see cref="SurplusRule"/>. When it is idle, its next poll is under way. If that cannot be aborted, the node ends
/// after it and hands its messages back. A surplus node polls no more, and ends when its work is done.
/// </summary>
internal sealed class SimulatedNode
{
    private static readonly ModelIdentity Model = new("simulated", new string('0', 64));

    private readonly Cloud _cloud;
    private readonly SaturatedRate _rate = new();
    private readonly int[] _hand;
    private readonly int _index;
    private IdleRule? _idle;
    private SurplusRule? _surplus;

    // All pictures in hand are in one ring, in the order of receipt. These four counters mark how far each stage is.
    private long _received;
    private long _done;
    private long _sent;
    private long _released;

    private StoredNodeRecord? _record;
    private bool _isPolling;
    private DateTimeOffset? _drainsSince;
    private bool _isRunningDry;
    private int _pollStamp;
    private int _resultsStamp;
    private int _deletesStamp;

    public SimulatedNode(Cloud cloud, int index, DateTimeOffset launchedAt)
    {
        _cloud = cloud;
        _index = index;
        _hand = new int[cloud.Model.Polling.MaxInFlight];
        LaunchedAt = cloud.Events.Now;
        var id = InstanceId.Parse(FormattableString.Invariant($"i-{index:D6}"));
        Shown = new FleetInstance(id, InstanceState.Pending, launchedAt, null, null);
    }

    /// <summary>The time of its launch, in ticks.</summary>
    public long LaunchedAt { get; }

    /// <summary>The time of its end, in ticks; null while it lives.</summary>
    public long? EndedAt { get; private set; }

    /// <summary>The instance as the fleet shows it.</summary>
    public FleetInstance Shown { get; private set; }

    /// <summary>True if it receives jobs.</summary>
    public bool IsRunning => Shown.State == InstanceState.Running;

    /// <summary>True if it has not ended.</summary>
    public bool IsAlive => EndedAt is null;

    /// <summary>The node's heartbeat record. It is written when the node comes up, when it drains, and at each
    /// interval.</summary>
    public StoredNodeRecord ReadRecord()
    {
        var interval = _cloud.Model.RecordInterval;
        var cameUp = Shown.RunningAt!.Value;
        var written = _drainsSince ?? cameUp + interval * Math.Floor((_cloud.Now - cameUp) / interval);
        if (_record?.LastModified == written) return _record;
        var state = _drainsSince is null ? InstanceState.Running : InstanceState.Draining;
        var record = new NodeRecord(Shown.Id, state, _released, _rate.PerSecond, Model);
        return _record = new StoredNodeRecord(Shown.Id, written, record);
    }

    private int InHand => (int)(_received - _released);

    /// <summary>The boot is complete.</summary>
    public void OnBooted()
    {
        if (!IsAlive) return;
        _idle = new IdleRule(_cloud.Model.Termination, _cloud.Now);
        _surplus = new SurplusRule(_cloud.Model.Termination, _cloud.Model.Polling.WaitTime, _cloud.Now);
        Shown = Shown with { State = InstanceState.Running, RunningAt = _cloud.Now };
        _cloud.Fleet.CameUp(this);
        PollIfRoom();
    }

    /// <summary>The long poll ends without messages.</summary>
    public void OnPollOver(int stamp)
    {
        if (IsCurrentPoll(stamp)) OnPolled(0);
        PollIfRoom();
    }

    /// <summary>Messages arrive for the long poll, if it is still open.</summary>
    public void OnMessages(int stamp)
    {
        if (IsCurrentPoll(stamp)) Receive();
        PollIfRoom();
    }

    /// <summary>The current picture is classified.</summary>
    public void OnPictureDone(int stamp)
    {
        if (!IsAlive || stamp != (int)_done) return;
        _done++;
        if (_done < _received) BeginPicture();
        var unsent = _done - _sent;
        if (unsent >= IMessageQueue.MaxBatch) SendResults();
        else if (unsent == 1)
        {
            var due = _cloud.Events.Now + _cloud.Model.Linger.Ticks;
            _cloud.Events.Schedule(due, EventKind.ResultsDue, _index, ++_resultsStamp);
        }
    }

    /// <summary>The linger of the results is over.</summary>
    public void OnResultsDue(int stamp)
    {
        if (IsAlive && stamp == _resultsStamp && _done > _sent) SendResults();
    }

    /// <summary>The linger of the deletes is over.</summary>
    public void OnDeletesDue(int stamp)
    {
        if (IsAlive && stamp == _deletesStamp && _sent > _released) Delete();
    }

    /// <summary>Kills the node. Pictures in hand return when their leases end.</summary>
    public void Kill()
    {
        if (!IsAlive) return;
        // A message that has its result but is not deleted returns too, and is found done.
        _cloud.Queue.Deleted((int)(_sent - _released));
        var lost = new int[_received - _sent];
        for (var at = 0; at < lost.Length; at++) lost[at] = _hand[(int)((_sent + at) % _hand.Length)];
        if (lost.Length > 0) _cloud.ReturnAfterLeases(lost);
        End();
    }

    private bool IsCurrentPoll(int stamp) => IsAlive && _isPolling && stamp == _pollStamp;

    private void PollIfRoom()
    {
        while (IsRunning && !_isPolling && !_isRunningDry)
        {
            var free = _hand.Length - InHand;
            if (free < IMessageQueue.MaxBatch && InHand > 0) return;
            _isPolling = true;
            _pollStamp++;
            if (_cloud.Queue.Waiting > 0)
            {
                Receive();
                continue;
            }

            _cloud.Queue.Wait(this, _pollStamp);
            // Even a call that does not wait takes a moment. Otherwise time would stand still.
            var wait = Math.Max(_cloud.Model.Polling.WaitTime.Ticks, TimeSpan.TicksPerMillisecond * 10);
            _cloud.Events.Schedule(_cloud.Events.Now + wait, EventKind.PollOver, _index, _pollStamp);
        }
    }

    private void Receive()
    {
        if (_drainsSince is not null)
        {
            End();
            return;
        }

        var count = Math.Min(Math.Min(_hand.Length - InHand, IMessageQueue.MaxBatch), _cloud.Queue.Waiting);
        var wasIdle = _received == _done;
        for (var i = 0; i < count; i++) _hand[(int)(_received++ % _hand.Length)] = _cloud.Queue.Take();
        if (wasIdle && count > 0) BeginPicture();
        OnPolled(count);
    }

    private void OnPolled(int received)
    {
        _isPolling = false;
        if (_drainsSince is not null)
        {
            End();
            return;
        }

        _rate.RecordPoll(received, InHand, _cloud.Now);
        if (_idle!.RecordPoll(received, InHand, failed: false, _cloud.Now)
            && _idle.RecordMeasure(_cloud.Queue.Measure().Waiting, _cloud.Now))
        {
            if (_cloud.Model.AbortsPolls) End();
            else _drainsSince = _cloud.Now;
            return;
        }

        var work = new NodeWork(_released, _rate.PerSecond, _rate.InHandTime);
        if (_surplus!.RecordPoll(failed: false, work, _cloud.Now)) EndIfSurplus();
    }

    private void EndIfSurplus()
    {
        var (place, nodes) = _cloud.Fleet.PlaceOf(this);
        if (_surplus!.RecordNodes(place, nodes, _cloud.Queue.Measure().Waiting, _cloud.Now) is null) return;
        _drainsSince = _cloud.Now;
        _isRunningDry = true;
        if (InHand == 0) End();
    }

    private void BeginPicture() => _cloud.Events.Schedule(
        _cloud.Events.Now + _cloud.DrawService(), EventKind.PictureDone, _index, (int)_done);

    private void SendResults()
    {
        _resultsStamp++;
        var hadUnreleased = _sent > _released;
        for (; _sent < _done; _sent++) _cloud.ResultSent(this, _hand[(int)(_sent % _hand.Length)]);
        if (_sent - _released >= IMessageQueue.MaxBatch) Delete();
        else if (!hadUnreleased)
        {
            var due = _cloud.Events.Now + _cloud.Model.AcknowledgeLinger.Ticks;
            _cloud.Events.Schedule(due, EventKind.DeletesDue, _index, ++_deletesStamp);
        }
    }

    private void Delete()
    {
        _deletesStamp++;
        var deleted = (int)(_sent - _released);
        _cloud.Queue.Deleted(deleted);
        _released = _sent;
        _rate.RecordReleased(deleted, deleted, _cloud.Now);
        if (_isRunningDry && InHand == 0) End();
        PollIfRoom();
    }

    private void End()
    {
        EndedAt = _cloud.Events.Now;
        Shown = Shown with { State = InstanceState.Ended, EndedAt = _cloud.Now };
        _cloud.Fleet.Ended(this);
    }
}
