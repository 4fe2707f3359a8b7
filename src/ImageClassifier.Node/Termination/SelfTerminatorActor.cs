using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Polling;
using ImageClassifier.Node.Supervision;

namespace ImageClassifier.Node.Termination;

/// <summary>
/// Counts the empty polls in a row. After enough of them, with nothing in hand and nothing waiting in the queue, it
/// asks its owner to end the instance, once. Where something waits after all, it counts from zero.
/// </summary>
internal sealed class SelfTerminatorActor : ReceiveActor
{
    private static readonly TimeSpan MeasureTimeout = TimeSpan.FromSeconds(30);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IMessageQueue _requests;
    private readonly TerminationSettings _settings;
    private readonly IActorRef _owner;
    private readonly TimeProvider _time;
    private int _emptyPolls;

    public SelfTerminatorActor(
        IMessageQueue requests, TerminationSettings settings, IActorRef owner, TimeProvider time)
    {
        _requests = requests;
        _settings = settings;
        _owner = owner;
        _time = time;
        Counting();
    }

    public static Props Props(
        IMessageQueue requests, TerminationSettings settings, IActorRef owner, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new SelfTerminatorActor(requests, settings, owner, time));

    private void Counting() =>
        Receive<PollFinished>(poll =>
        {
            Count(poll);
            if (_emptyPolls < _settings.MaxEmptyPolls || poll.InHand > 0) return;
            Become(Measuring);
            MeasureAsync().PipeTo(
                Self,
                success: measure => new Measured(measure.Waiting),
                failure: cause => new NotMeasured(cause));
        });

    private async Task<QueueMeasure> MeasureAsync()
    {
        using var limit = new CancellationTokenSource(MeasureTimeout, _time);
        return await _requests.MeasureAsync(limit.Token);
    }

    private void Measuring()
    {
        Receive<PollFinished>(Count);
        Receive<Measured>(measured =>
        {
            // A poll that ended meanwhile may have brought something.
            if (_emptyPolls >= _settings.MaxEmptyPolls && measured.Waiting == 0)
            {
                _log.Info("{0} polls in a row were empty and nothing waits: the instance ends", _emptyPolls);
                _owner.Tell(new EndInstance($"{_emptyPolls} empty polls in a row, and nothing waiting"));
                Become(Decided);
                return;
            }

            _log.Info("{0} polls in a row were empty, but {1} messages wait: the instance stays",
                _emptyPolls, measured.Waiting);
            CountFromZero();
        });
        Receive<NotMeasured>(notMeasured =>
        {
            _log.Warning("The queue could not be measured, so the instance stays: {0}", notMeasured.Cause.Message);
            CountFromZero();
        });
    }

    private void Decided() => ReceiveAny(_ => { });

    private void Count(PollFinished poll)
    {
        if (poll.Failed) return;
        _emptyPolls = poll.Received == 0 ? _emptyPolls + 1 : 0;
    }

    private void CountFromZero()
    {
        _emptyPolls = 0;
        Become(Counting);
    }

    private sealed record Measured(int Waiting);

    private sealed record NotMeasured(Exception Cause);
}
