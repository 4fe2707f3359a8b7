using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Records;
using ImageClassifier.Node.Termination;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Simulator.Engine;

/// <summary>
/// An instance with its app node. After its boot it polls as the node's queue source does: for ten when ten of its
/// credits are free, or for what is free when nothing is in hand, and with one poll under way. It does one picture
/// after the other; results and deletes wait a moment for others to share their calls; and it ends itself by the
/// node's own <see cref="IdleRule"/>. By then its next poll is under way: where that cannot be broken off the node ends
/// with it, and hands back what it brings.
/// </summary>
internal sealed class SimulatedNode
{
    private static readonly ModelIdentity Model = new("simulated", new string('0', 64));

    private readonly Cloud _cloud;
    private readonly SaturatedRate _rate = new();
    private readonly int[] _hand;
    private readonly int _index;
    private IdleRule? _idle;

    // Everything in hand is in one ring, in the order of receipt: four marks that follow each other say how far it is.
    private long _received;
    private long _done;
    private long _sent;
    private long _released;

    private StoredNodeRecord? _record;
    private bool _isPolling;
    private DateTimeOffset? _drainsSince;
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

    /// <summary>When it was launched, in ticks.</summary>
    public long LaunchedAt { get; }

    /// <summary>When it ended, in ticks; null while it lives.</summary>
    public long? EndedAt { get; private set; }

    /// <summary>What the fleet says of it.</summary>
    public FleetInstance Shown { get; private set; }

    /// <summary>Whether it takes work.</summary>
    public bool IsRunning => Shown.State == InstanceState.Running;

    /// <summary>Whether it has not ended.</summary>
    public bool IsAlive => EndedAt is null;

    /// <summary>The record that the node keeps in the store: written when it comes up, when it drains, and again and
    /// again.</summary>
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

    /// <summary>It has booted.</summary>
    public void OnBooted()
    {
        if (!IsAlive) return;
        _idle = new IdleRule(_cloud.Model.Termination, _cloud.Now);
        Shown = Shown with { State = InstanceState.Running, RunningAt = _cloud.Now };
        _cloud.Fleet.CameUp(this);
        PollIfRoom();
    }

    /// <summary>Its long poll is over, with nothing.</summary>
    public void OnPollOver(int stamp)
    {
        if (IsCurrentPoll(stamp)) OnPolled(0);
        PollIfRoom();
    }

    /// <summary>There are messages for its long poll, if that is still the one under way.</summary>
    public void OnMessages(int stamp)
    {
        if (IsCurrentPoll(stamp)) Receive();
        PollIfRoom();
    }

    /// <summary>The picture that it works on is classified.</summary>
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

    /// <summary>Its results have waited long enough.</summary>
    public void OnResultsDue(int stamp)
    {
        if (IsAlive && stamp == _resultsStamp && _done > _sent) SendResults();
    }

    /// <summary>Its deletes have waited long enough.</summary>
    public void OnDeletesDue(int stamp)
    {
        if (IsAlive && stamp == _deletesStamp && _sent > _released) Delete();
    }

    /// <summary>It is ended from outside, or dies: what it has in hand returns when the leases run out.</summary>
    public void Kill()
    {
        if (!IsAlive) return;
        // What has its result, and only waits for its deletion, comes again and is found done.
        _cloud.Queue.Deleted((int)(_sent - _released));
        var lost = new int[_received - _sent];
        for (var at = 0; at < lost.Length; at++) lost[at] = _hand[(int)((_sent + at) % _hand.Length)];
        if (lost.Length > 0) _cloud.LoseUntilLeasesRunOut(lost);
        End();
    }

    private bool IsCurrentPoll(int stamp) => IsAlive && _isPolling && stamp == _pollStamp;

    private void PollIfRoom()
    {
        while (IsRunning && !_isPolling)
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
            // A call takes a moment, even one that does not wait; else time would stand still.
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

        _rate.Polled(received, InHand, _cloud.Now);
        if (_idle!.Polled(received, InHand, failed: false, _cloud.Now)
            && _idle.Measured(_cloud.Queue.Measure().Waiting, _cloud.Now))
        {
            if (_cloud.Model.BreaksOffPolls) End();
            else _drainsSince = _cloud.Now;
        }
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
        _rate.Released(deleted, deleted, _cloud.Now);
        PollIfRoom();
    }

    private void End()
    {
        EndedAt = _cloud.Events.Now;
        Shown = Shown with { State = InstanceState.Ended, EndedAt = _cloud.Now };
        _cloud.Fleet.Ended(this);
    }
}
