using Akka.Actor;
using Akka.Event;

namespace ImageClassifier.Node.Tuning;

/// <summary>Measures the arrangements of the model once, while the node is idle. A picture that arrives meanwhile
/// interrupts the measurement, and the next idle moment repeats it.</summary>
internal sealed class IdleTuningActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Func<CancellationToken, Task<ArrangementReport?>> _measure;
    private CancellationTokenSource? _running;

    public IdleTuningActor(Func<CancellationToken, Task<ArrangementReport?>> measure)
    {
        _measure = measure;
        Receive<NodeBusy>(_ => _running?.Cancel());
        Receive<NodeIdle>(_ =>
        {
            if (_running is null) Begin();
        });
        Receive<Measured>(measured =>
        {
            if (measured.Report is { } report) _log.Info("Nodes that start later run the model with {0}", report);
            Become(Done);
        });
        Receive<NotMeasured>(not =>
        {
            if (not.Cause is OperationCanceledException)
            {
                _running = null;
                return;
            }

            _log.Warning("The arrangements of the model could not be measured: {0}", not.Cause.Message);
            Become(Done);
        });
    }

    /// <summary>The actor of a node.</summary>
    /// <param name="measure">Measures the arrangements and keeps the choice; null if there is nothing to
    /// choose.</param>
    public static Props Props(Func<CancellationToken, Task<ArrangementReport?>> measure) =>
        Akka.Actor.Props.Create(() => new IdleTuningActor(measure));

    protected override void PostStop() => _running?.Cancel();

    private void Begin()
    {
        _running = new CancellationTokenSource();
        _measure(_running.Token).PipeTo(
            Self, success: report => new Measured(report), failure: cause => new NotMeasured(cause));
    }

    private void Done() => ReceiveAny(_ => { });

    private sealed record Measured(ArrangementReport? Report);

    private sealed record NotMeasured(Exception Cause);
}
