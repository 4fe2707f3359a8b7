using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Polling;
using ImageClassifier.Node.Records;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Termination;

/// <summary>Asks its owner once to end the instance: when the <see cref="IdleRule"/> or the <see cref="SurplusRule"/>
/// says so, when all polls have failed for too long, or when the queue refuses its calls.</summary>
internal sealed class SelfTerminatorActor : ReceiveActor
{
    private const string Stays = "{0} polls in a row were empty, but {1} messages wait: the instance stays";
    private const string NotMeasurable = "The queue could not be measured, so the instance stays: {0}";
    private static readonly TimeSpan MeasureTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ListTimeout = TimeSpan.FromSeconds(10);

    // A new permission takes a few seconds until it holds everywhere.
    private static readonly TimeSpan RefusedLimit = TimeSpan.FromSeconds(10);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IMessageQueue _requests;
    private readonly IActorRef _owner;
    private readonly TimeProvider _time;
    private readonly IdleRule _rule;
    private readonly SurplusRule _surplus;
    private readonly LiveNodes _nodes;
    private readonly NodeProgress _progress;
    private readonly TimeSpan _cutOffLimit;
    private TimeSpan? _cutOffSince;
    private TimeSpan? _refusedSince;
    private TimeSpan? _measureRefusedSince;

    // A state that may last for an hour is logged when it begins.
    private bool _hasLoggedStaying;
    private bool _hasLoggedNotMeasurable;

    public SelfTerminatorActor(
        NodeSettings settings,
        NodePorts ports,
        IActorRef owner,
        NodeProgress progress,
        TimeProvider time,
        DateTimeOffset startedAt)
    {
        _requests = ports.Queues.Requests;
        _owner = owner;
        _progress = progress;
        _time = time;
        _rule = new IdleRule(settings.Termination, startedAt);
        _surplus = new SurplusRule(settings.Termination, settings.Polling.Source.WaitTime, startedAt);
        _nodes = new LiveNodes(ports.Store, ports.Identity.Id, settings.Records.QuietInterval);
        _cutOffLimit = settings.Termination.CutOffLimit;
        Counting();
    }

    /// <summary>The actor for an instance that starts now.</summary>
    public static Props Props(
        NodeSettings settings, NodePorts ports, IActorRef owner, NodeProgress progress, TimeProvider time)
    {
        // Read here and not in the constructor: a restart of the actor must not make the instance younger. Not the time
        // of day: if that is set forward, a window looks over and its load too low.
        var startedAt = time.GetMonotonicNow();
        return Akka.Actor.Props.Create(
            () => new SelfTerminatorActor(settings, ports, owner, progress, time, startedAt));
    }

    private void Counting() =>
        Receive<PollFinished>(poll =>
        {
            if (EndsCutOff(poll)) return;
            if (Count(poll))
            {
                Become(Measuring);
                MeasureAsync().PipeTo(
                    Self,
                    success: measure => new Measured(measure.Waiting),
                    failure: cause => new NotMeasured(cause));
                return;
            }

            if (!_surplus.RecordPoll(poll.Failed, _progress.ReadWork(), _time.GetMonotonicNow())) return;
            Become(CountingNodes);
            CountNodesAsync().PipeTo(
                Self,
                success: counted => counted,
                failure: cause => new NodesCounted(null, 0, cause));
        });

    private async Task<NodesCounted> CountNodesAsync()
    {
        using var limit = new CancellationTokenSource(ListTimeout, _time);
        var place = await _nodes.FindPlaceAsync(limit.Token);
        // The first node never ends by this rule.
        return place is { Place: > 0 }
            ? new NodesCounted(place, (await MeasureAsync()).Waiting, null)
            : new NodesCounted(place, 0, null);
    }

    private void CountingNodes()
    {
        Receive<PollFinished>(poll =>
        {
            if (!EndsCutOff(poll)) Count(poll);
        });
        Receive<NodesCounted>(counted =>
        {
            if (counted.Failure is { } failure) _log.Debug("The nodes could not be counted: {0}", failure.Message);
            if (counted.Found is (var place, var nodes)
                && _surplus.RecordNodes(place, nodes, counted.Waiting, _time.GetMonotonicNow()) is { } needed)
            {
                _owner.Tell(new EndInstance($"{nodes} nodes share work that needs {needed}") { FinishesWork = true });
                Become(Decided);
                return;
            }

            Become(Counting);
        });
    }

    private async Task<QueueMeasure> MeasureAsync()
    {
        using var limit = new CancellationTokenSource(MeasureTimeout, _time);
        return await _requests.MeasureAsync(limit.Token);
    }

    private void Measuring()
    {
        Receive<PollFinished>(poll =>
        {
            if (!EndsCutOff(poll)) Count(poll);
        });
        Receive<Measured>(measured =>
        {
            _hasLoggedNotMeasurable = false;
            _measureRefusedSince = null;
            var emptyPolls = _rule.EmptyPolls;
            if (_rule.RecordMeasure(measured.Waiting, _time.GetMonotonicNow()))
            {
                _log.Info("{0} polls in a row were empty and nothing waits: the instance ends", emptyPolls);
                End($"{emptyPolls} empty polls in a row, and nothing waiting");
                return;
            }

            if (measured.Waiting > 0)
            {
                if (_hasLoggedStaying) _log.Debug(Stays, emptyPolls, measured.Waiting);
                else _log.Info(Stays, emptyPolls, measured.Waiting);
                _hasLoggedStaying = true;
            }

            Become(Counting);
        });
        Receive<NotMeasured>(notMeasured =>
        {
            // Without this limit, an idle instance that may not measure its queue would stay for ever.
            var now = _time.GetMonotonic();
            _measureRefusedSince = notMeasured.Cause is IPermanentRefusal ? _measureRefusedSince ?? now : null;
            if (now - _measureRefusedSince >= RefusedLimit)
            {
                End("it may not measure its queue", notMeasured.Cause.Message);
                return;
            }

            if (_hasLoggedNotMeasurable) _log.Debug(NotMeasurable, notMeasured.Cause.Message);
            else _log.Warning(NotMeasurable, notMeasured.Cause.Message);
            _hasLoggedNotMeasurable = true;
            _rule.RecordMeasureFailure();
            Become(Counting);
        });
    }

    private void Decided() => ReceiveAny(_ => { });

    private void End(string reason, string? problem = null)
    {
        _owner.Tell(new EndInstance(reason, problem));
        Become(Decided);
    }

    /// <summary>True if the instance ends because it cannot reach its queue. Such an instance costs money and does
    /// nothing.</summary>
    private bool EndsCutOff(PollFinished poll)
    {
        var now = _time.GetMonotonic();
        _cutOffSince = poll.Failed ? _cutOffSince ?? now : null;
        _refusedSince = poll.IsRefused ? _refusedSince ?? now : null;
        if (now - _refusedSince >= RefusedLimit)
        {
            _log.Error("The queue refuses every poll: the instance ends");
            End("the queue refuses every poll", poll.Failure);
            return true;
        }

        if (_cutOffSince is not { } since || now - since < _cutOffLimit) return false;
        _log.Error("Every poll has failed for {0}: the instance ends", _cutOffLimit);
        End($"every poll has failed for {_cutOffLimit}", $"Every poll has failed for {_cutOffLimit}: {poll.Failure}");
        return true;
    }

    private bool Count(PollFinished poll)
    {
        if (poll.Received > 0) _hasLoggedStaying = false;
        return _rule.RecordPoll(poll.Received, poll.InHand, poll.Failed, _time.GetMonotonicNow());
    }

    private sealed record Measured(int Waiting);

    private sealed record NotMeasured(Exception Cause);

    private sealed record NodesCounted((int Place, int Nodes)? Found, int Waiting, Exception? Failure);
}
