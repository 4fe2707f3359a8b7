using Akka.Streams;
using Akka.Streams.Stage;

namespace ImageClassifier.Streams;

/// <summary>Groups elements: a group goes on when it is full, or at the end of the linger in which its first element
/// came. Without elements no timer runs, unlike in Akka's <c>GroupedWithin</c>.</summary>
/// <param name="max">The size of a full group.</param>
/// <param name="linger">The longest time for which an element waits for others. Lingers follow one another from the last
/// full group on, so a lone element waits for half of one on average.</param>
/// <param name="time">The clock of the actor system.</param>
public sealed class LingeringGroups<T>(int max, TimeSpan linger, TimeProvider time)
    : GraphStage<FlowShape<T, IReadOnlyList<T>>>
{
    private readonly Inlet<T> _in = new("LingeringGroups.in");
    private readonly Outlet<IReadOnlyList<T>> _out = new("LingeringGroups.out");

    /// <inheritdoc />
    public override FlowShape<T, IReadOnlyList<T>> Shape => new(_in, _out);

    /// <inheritdoc />
    protected override GraphStageLogic CreateLogic(Attributes inheritedAttributes) => new Logic(this, max, linger, time);

    private sealed class Logic : TimerGraphStageLogic
    {
        private readonly LingeringGroups<T> _stage;
        private readonly int _max;
        private readonly TimeSpan _linger;
        private readonly TimeProvider _time;
        private List<T> _group = [];
        private TimeSpan _lingersFrom;
        private bool _isComplete;

        public Logic(LingeringGroups<T> stage, int max, TimeSpan linger, TimeProvider time)
            : base(stage.Shape)
        {
            (_stage, _max, _linger, _time) = (stage, max, linger, time);
            SetHandler(stage._in, Add, Finish);
            SetHandler(stage._out, EmitIfComplete);
        }

        public override void PreStart()
        {
            _lingersFrom = _time.GetMonotonic();
            Pull(_stage._in);
        }

        protected override void OnTimer(object timerKey)
        {
            _isComplete = true;
            EmitIfComplete();
        }

        private void Add()
        {
            _group.Add(Grab(_stage._in));
            if (_group.Count == _max)
            {
                CancelTimer(nameof(_linger));
                _lingersFrom = _time.GetMonotonic();
                _isComplete = true;
                EmitIfComplete();
                return;
            }

            if (_group.Count == 1) ScheduleOnce(nameof(_linger), LeftOfThisLinger());
            Pull(_stage._in);
        }

        private TimeSpan LeftOfThisLinger() =>
            _linger - TimeSpan.FromTicks((_time.GetMonotonic() - _lingersFrom).Ticks % _linger.Ticks);

        private void EmitIfComplete()
        {
            if (!_isComplete || !IsAvailable(_stage._out)) return;
            Push(_stage._out, _group);
            _group = [];
            _isComplete = false;
            if (IsClosed(_stage._in)) CompleteStage();
            else if (!HasBeenPulled(_stage._in)) Pull(_stage._in);
        }

        private void Finish()
        {
            if (_group.Count == 0)
            {
                CompleteStage();
                return;
            }

            _isComplete = true;
            EmitIfComplete();
        }
    }
}
