namespace ImageClassifier.Node.Polling;

/// <summary>
/// Lets many jobs through together, or one alone. First come, first served: a job that must be alone waits until all
/// before it have left, and those after it wait for it, so that none waits for ever. Whoever holds a pass must be able
/// to leave without anyone else entering.
/// </summary>
internal sealed class AloneGate
{
    private readonly Lock _lock = new();
    private readonly Queue<Waiter> _waiting = [];
    private int _inside;
    private bool _isOneAlone;

    /// <summary>Waits for its turn.</summary>
    /// <param name="alone">Whether no one else may be inside meanwhile.</param>
    /// <returns>A pass, to be disposed of when leaving; disposing of it again does nothing.</returns>
    public Task<IDisposable> EnterAsync(bool alone)
    {
        var waiter = new Waiter(alone);
        lock (_lock)
        {
            _waiting.Enqueue(waiter);
            LetIn();
        }

        return waiter.Entered.Task;
    }

    private void LetIn()
    {
        while (_waiting.TryPeek(out var next) && !_isOneAlone && (!next.Alone || _inside == 0))
        {
            _waiting.Dequeue();
            _inside++;
            _isOneAlone = next.Alone;
            next.Entered.SetResult(new Pass(this));
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

    private sealed class Pass(AloneGate gate) : IDisposable
    {
        private int _hasLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _hasLeft, 1) == 0) gate.Leave();
        }
    }
}
