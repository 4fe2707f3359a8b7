namespace ImageClassifier.Node.Polling;

/// <summary>Suspects wait here for their turn, which one has at a time. The job with the most receives goes first: its
/// queue gives it up next.</summary>
internal sealed class SuspectLine
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<TaskCompletionSource, (int, long)> _waiting = new();
    private long _arrivals;
    private bool _isTaken;

    /// <summary>Completes when it is the caller's turn, which <see cref="Leave"/> ends.</summary>
    public Task EnterAsync(int receives)
    {
        lock (_lock)
        {
            if (!_isTaken)
            {
                _isTaken = true;
                return Task.CompletedTask;
            }

            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(turn, (-receives, _arrivals++));
            return turn.Task;
        }
    }

    /// <summary>Ends the caller's turn.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (_waiting.TryDequeue(out var next, out _)) next.SetResult();
            else _isTaken = false;
        }
    }
}
