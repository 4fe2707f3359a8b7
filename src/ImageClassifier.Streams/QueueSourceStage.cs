using Akka.Event;
using Akka.Streams;
using Akka.Streams.Stage;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Streams;

/// <summary>The stage behind <see cref="QueueSource"/>.</summary>
internal sealed class QueueSourceStage(
    IMessageQueue queue,
    QueueSourceSettings settings,
    TimeProvider time,
    Action<PollReport>? onPoll,
    Action<string>? onRenewalsRefused)
    : GraphStageWithMaterializedValue<SourceShape<Delivery>, IQueueSourceControl>
{
    private readonly Outlet<Delivery> _out = new("QueueSource.out");

    public override SourceShape<Delivery> Shape => new(_out);

    public override ILogicAndMaterializedValue<IQueueSourceControl> CreateLogicAndMaterializedValue(
        Attributes inheritedAttributes)
    {
        var control = new Control();
        return new LogicAndMaterializedValue<IQueueSourceControl>(new Logic(this, control), control);
    }

    /// <summary>Passes calls from other threads into the stage, and its end to them.</summary>
    private sealed class Control : IQueueSourceControl, IDisposable
    {
        private readonly Lock _lock = new();
        private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly CancellationTokenSource _stopWaiting = new();
        private Action? _drain;
        private Action? _stopPolling;
        private bool _isDrainWanted;
        private bool _isStopWanted;

        public Task Drained => _drained.Task;

        public void Drain()
        {
            lock (_lock)
            {
                _isDrainWanted = true;
                _drain?.Invoke();
            }
        }

        public void StopPolling()
        {
            lock (_lock)
            {
                _isStopWanted = true;
                _stopPolling?.Invoke();
            }
        }

        /// <summary>The stage has started. What was asked for earlier starts now.</summary>
        public void Started(Action drain, Action stopPolling)
        {
            lock (_lock)
            {
                _drain = drain;
                _stopPolling = stopPolling;
                if (_isStopWanted) stopPolling();
                if (_isDrainWanted) drain();
            }
        }

        /// <summary>Cancelled to end the open poll early.</summary>
        public CancellationToken StopWaiting => _stopWaiting.Token;

        public Task StopWaitingAsync() => _stopWaiting.CancelAsync();

        public void Ended()
        {
            Dispose();
            _drained.TrySetResult();
        }

        public void Dispose() => _stopWaiting.Dispose();
    }

    private sealed class Logic : TimerGraphStageLogic
    {
        private const string PollTimer = "poll";
        private const string RenewalTimer = "renewal";
        private static readonly TimeSpan ShortestTimer = TimeSpan.FromMilliseconds(1);

        private readonly QueueSourceStage _stage;
        private readonly Control _control;
        private readonly Queue<Delivery> _buffer = [];
        private readonly HashSet<Delivery> _aside = [];
        private readonly LeaseTracker _leases;
        private readonly Backoff _backoff;
        private readonly QueueRetries _handBackRetries;

        private readonly Lock _arrival = new();
        private PollOutcome? _arrived;
        private bool _hasStopped;

        private Action _onPolled = null!;
        private Action<RenewalOutcome> _onRenewed = null!;
        private Action<Delivery> _onReleased = null!;
        private Action<Delivery> _onSetAside = null!;
        private Action<int> _onHandedBack = null!;

        private Task _poll = Task.CompletedTask;
        private Task _handBacks = Task.CompletedTask;
        private bool _isPolling;
        private bool _isRenewing;
        private bool _hasStoppedPolling;
        private bool _isDraining;
        private int _handBacksUnderWay;
        private int _renewalsRefused;

        public Logic(QueueSourceStage stage, Control control)
            : base(stage.Shape)
        {
            _stage = stage;
            _control = control;
            _leases = new LeaseTracker(stage.Settings.Lease, stage.Settings.MaxLease);
            _backoff = new Backoff(stage.Settings.MinBackoff, stage.Settings.MaxBackoff);
            _handBackRetries = new QueueRetries(RetryPolicy.Default, stage.Time);
            SetHandler(stage._out, onPull: () =>
            {
                PushNext();
                EndIfDry();
            });
        }

        // An object, because Akka takes its class as the category of the log. For a string that would be String.
        protected override object LogSource => this;

        private TimeSpan Now => _stage.Time.GetMonotonic();

        public override void PreStart()
        {
            _onPolled = GetAsyncCallback(OnPolled);
            _onRenewed = GetAsyncCallback<RenewalOutcome>(OnRenewed);
            _onReleased = GetAsyncCallback<Delivery>(OnReleased);
            _onSetAside = GetAsyncCallback<Delivery>(OnSetAside);
            _onHandedBack = GetAsyncCallback<int>(OnHandedBack);
            _control.Started(GetAsyncCallback(OnDrain), GetAsyncCallback(OnStopPolling));
            PollIfRoom();
        }

        public override void PostStop()
        {
            var left = _buffer.Select(delivery => delivery.Message).ToList();
            _buffer.Clear();
            lock (_arrival)
            {
                _hasStopped = true;
                if (_arrived is not null) left.AddRange(_arrived.Messages);
                _arrived = null;
            }

            _ = EndAsync(left);
        }

        protected override void OnTimer(object timerKey)
        {
            if (timerKey is PollTimer) PollIfRoom();
            else RenewDue();
        }

        private void PollIfRoom()
        {
            if (_isPolling || _hasStoppedPolling || IsTimerActive(PollTimer)) return;
            var taken = _leases.Count - _aside.Count;
            var free = _stage.Settings.MaxInFlight - taken;
            if (free < IMessageQueue.MaxBatch && taken > 0) return;
            _isPolling = true;
            _poll = PollAsync(Math.Min(free, IMessageQueue.MaxBatch));
        }

        private async Task PollAsync(int count)
        {
            PollOutcome outcome;
            try
            {
                var messages = await _stage.Queue.ReceiveAsync(
                    count, _stage.Settings.WaitTime, _stage.Settings.Lease, _control.StopWaiting);
                outcome = new PollOutcome(messages, null);
            }
            catch (Exception failure)
            {
                outcome = new PollOutcome([], failure);
            }

            lock (_arrival)
            {
                if (!_hasStopped)
                {
                    _arrived = outcome;
                    _onPolled();
                    return;
                }
            }

            await HandBackAsync(outcome.Messages);
        }

        private void OnPolled()
        {
            PollOutcome? outcome;
            lock (_arrival)
            {
                outcome = _arrived;
                _arrived = null;
            }

            if (outcome is null) return;
            _isPolling = false;
            var receivedAt = Now;
            foreach (var message in outcome.Messages)
            {
                var delivery = new Delivery(message, receivedAt, _onReleased, _onSetAside);
                _leases.Add(delivery);
                _buffer.Enqueue(delivery);
            }

            _stage.OnPoll?.Invoke(new PollReport(outcome.Messages.Count, _leases.Count, outcome.Failure));

            if (_isDraining)
            {
                HandBackBuffer();
                EndIfDry();
                return;
            }

            // The failure of the last poll may be its own abort.
            if (!_hasStoppedPolling) BackOffAfter(outcome.Failure);
            if (IsAvailable(_stage._out)) PushNext();
            PollIfRoom();
            ScheduleRenewal();
            EndIfDry();
        }

        private void BackOffAfter(Exception? failure)
        {
            if (failure is null)
            {
                _backoff.Reset();
                return;
            }

            var pause = _backoff.Next();
            Log.Warning(
                "A poll failed; the next follows in {0} ms: {1}", (long)pause.TotalMilliseconds, failure.Message);
            ScheduleOnce(PollTimer, pause);
        }

        private void PushNext()
        {
            if (_buffer.TryDequeue(out var delivery)) Push(_stage._out, delivery);
        }

        private void OnSetAside(Delivery delivery)
        {
            // It may have been released meanwhile.
            if (_aside.Count == QueueSource.MostAside || !_leases.Contains(delivery)) return;
            _aside.Add(delivery);
            PollIfRoom();
        }

        private void OnReleased(Delivery delivery)
        {
            _leases.Remove(delivery);
            _aside.Remove(delivery);
            PollIfRoom();
            EndIfDry();
        }

        private void ScheduleRenewal()
        {
            if (_isRenewing || IsTimerActive(RenewalTimer) || _leases.NextDue is not { } due) return;
            var wait = due - Now;
            ScheduleOnce(RenewalTimer, wait > ShortestTimer ? wait : ShortestTimer);
        }

        private void RenewDue()
        {
            if (_isRenewing) return;
            var now = Now;
            var due = _leases.TakeDue(now, IMessageQueue.MaxBatch);
            if (due.Count == 0)
            {
                ScheduleRenewal();
                return;
            }

            _isRenewing = true;
            _ = RenewAsync(due, now);
        }

        private async Task RenewAsync(IReadOnlyList<Delivery> due, TimeSpan calledAt)
        {
            try
            {
                var receipts = due.Select(delivery => delivery.Message.Receipt).ToArray();
                // A call that hangs must not use up the time for the tries that are left before the leases end.
                using var limit = new CancellationTokenSource(_leases.RenewalLimit, _stage.Time);
                var outcomes = await _stage.Queue.ExtendAsync(receipts, _stage.Settings.Lease, limit.Token)
                    .WaitAsync(limit.Token);
                _onRenewed(new RenewalOutcome(due, calledAt, outcomes, null));
            }
            catch (Exception failure)
            {
                _onRenewed(new RenewalOutcome(due, calledAt, [], failure));
            }
        }

        private void OnRenewed(RenewalOutcome renewal)
        {
            _isRenewing = false;
            if (renewal.Failure is not null)
                Log.Warning("{0} leases could not be renewed yet: {1}", renewal.Due.Count, renewal.Failure.Message);
            CountRefusals(renewal);

            var now = Now;
            for (var i = 0; i < renewal.Due.Count; i++)
            {
                if (i < renewal.Outcomes.Count)
                    _leases.RecordRenewal(renewal.Due[i], renewal.Outcomes[i], renewal.CalledAt, now);
                else
                    _leases.RecordFailedRenewal(renewal.Due[i], now);
            }

            RenewDue();
        }

        private void CountRefusals(RenewalOutcome renewal)
        {
            var refusal = renewal.Failure is IPermanentRefusal
                ? renewal.Failure.Message
                : renewal.Outcomes.FirstOrDefault(outcome => outcome.Kind == QueueOutcomeKind.Refused)?.Reason;
            _renewalsRefused = refusal is null ? 0 : _renewalsRefused + 1;
            if (_renewalsRefused == RetryPolicy.RefusedAttempts) _stage.OnRenewalsRefused?.Invoke(refusal!);
        }

        private void OnDrain()
        {
            if (_isDraining) return;
            _isDraining = true;
            StopPolling();
            HandBackBuffer();
            EndIfDry();
        }

        private void OnStopPolling()
        {
            StopPolling();
            EndIfDry();
        }

        private void StopPolling()
        {
            if (_hasStoppedPolling) return;
            _hasStoppedPolling = true;
            CancelTimer(PollTimer);
            // The stage outlives its outlet: it renews the leases of messages that downstream still works on.
            SetKeepGoing(true);
            _ = _control.StopWaitingAsync();
        }

        private void HandBackBuffer()
        {
            if (_buffer.Count == 0) return;
            var messages = _buffer.Select(delivery => delivery.Message).ToArray();
            // Removed first, so that a message that is being handed back is not renewed.
            foreach (var delivery in _buffer) _leases.Remove(delivery);
            _buffer.Clear();
            _handBacksUnderWay++;
            _handBacks = Task.WhenAll(_handBacks, HandBackAndReportAsync(messages));
        }

        private async Task HandBackAndReportAsync(ReceivedMessage[] messages)
        {
            await HandBackAsync(messages);
            _onHandedBack(messages.Length);
        }

        private void OnHandedBack(int messages)
        {
            _handBacksUnderWay--;
            Log.Debug("{0} messages were handed back", messages);
            EndIfDry();
        }

        private void EndIfDry()
        {
            if (!_hasStoppedPolling || _isPolling || _buffer.Count > 0 || _handBacksUnderWay > 0) return;
            if (!IsClosed(_stage._out)) Complete(_stage._out);
            if (_leases.Count == 0) CompleteStage();
        }

        private async Task EndAsync(IReadOnlyList<ReceivedMessage> left)
        {
            await _control.StopWaitingAsync();
            await Task.WhenAll(_poll, _handBacks, HandBackAsync(left));
            _control.Ended();
        }

        // If the queue fails, the leases end instead.
        private async Task HandBackAsync(IReadOnlyList<ReceivedMessage> messages)
        {
            foreach (var some in messages.Chunk(IMessageQueue.MaxBatch))
            {
                await _handBackRetries.RunAsync(
                    [.. some.Select(message => message.Receipt)],
                    (receipts, cancellation) => _stage.Queue.ExtendAsync(receipts, TimeSpan.Zero, cancellation),
                    CancellationToken.None);
            }
        }
    }

    private IMessageQueue Queue => queue;

    private QueueSourceSettings Settings => settings;

    private TimeProvider Time => time;

    private Action<PollReport>? OnPoll => onPoll;

    private Action<string>? OnRenewalsRefused => onRenewalsRefused;

    private sealed record PollOutcome(IReadOnlyList<ReceivedMessage> Messages, Exception? Failure);

    private sealed record RenewalOutcome(
        IReadOnlyList<Delivery> Due, TimeSpan CalledAt, IReadOnlyList<QueueOutcome> Outcomes, Exception? Failure);
}
