namespace ImageClassifier.Node.Polling;

/// <summary>
/// Lets many jobs through together, or one alone. First come, first served: a job that must be alone waits until all
/// before it have left, and those after it wait for it, so that none waits for ever. One that may kill the node goes last: it
/// lets pass whoever else is here or on its way, up to a limit. Whoever holds a pass must be able to leave without anyone
/// else entering.
/// </summary>
internal sealed class AloneGate
{
    // More than a node that died had in hand, so that all that was received with it comes first.
    private const int MostPassing = 100;

    private readonly Lock _lock = new();
    private readonly Queue<Waiter> _waiting = [];
    private readonly Queue<Waiter> _waitingToBeLast = [];
    private int _coming;
    private int _passing;
    private int _inside;
    private bool _isOneAlone;

    /// <summary>Says that someone will come to enter.</summary>
    /// <returns>To be disposed of once it has asked to enter, or will not come; again, that does nothing.</returns>
    public IDisposable Announce()
    {
        lock (_lock) _coming++;
        return new Once(NotComing);
    }

    /// <summary>Waits for its turn.</summary>
    /// <param name="alone">Whether no one else may be inside meanwhile.</param>
    /// <param name="last">Whether others go first, those that are announced too; then it is alone as well.</param>
    /// <returns>A pass, to be disposed of when leaving; disposing of it again does nothing.</returns>
    public Task<IDisposable> EnterAsync(bool alone, bool last = false)
    {
        var waiter = new Waiter(alone || last);
        lock (_lock)
        {
            (last ? _waitingToBeLast : _waiting).Enqueue(waiter);
            LetIn();
        }

        return waiter.Entered.Task;
    }

    private void LetIn()
    {
        while (Next() is { } queue && queue.Peek() is var next && !_isOneAlone && (!next.Alone || _inside == 0))
        {
            queue.Dequeue();
            _passing = queue == _waiting && _waitingToBeLast.Count > 0 ? _passing + 1 : 0;
            _inside++;
            _isOneAlone = next.Alone;
            next.Entered.SetResult(new Once(Leave));
        }
    }

    private Queue<Waiter>? Next()
    {
        if (_waitingToBeLast.Count > 0 && (_passing >= MostPassing || (_waiting.Count == 0 && _coming == 0)))
            return _waitingToBeLast;
        return _waiting.Count > 0 ? _waiting : null;
    }

    private void NotComing()
    {
        lock (_lock)
        {
            _coming--;
            LetIn();
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            _inside--;
            _isOneAlone = false;
            LetIn();
        }
    }

    private sealed class Waiter(bool alone)
    {
        public bool Alone { get; } = alone;

        public TaskCompletionSource<IDisposable> Entered { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Once(Action act) : IDisposable
    {
        private int _isDone;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDone, 1) == 0) act();
        }
    }
}
