using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>A lock that one suspect holds at a time. The job with the most receives comes first, because its queue
/// gives it up next. Suspects that enter a second time come last, so that no other waits for a second turn. After
/// <see cref="LongestWait"/> they come first, so that new suspects cannot delay them for ever.</summary>
internal sealed class SuspectLock(TimeProvider time)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly PriorityQueue<TaskCompletionSource, (int, long)> _waiting = new();
    private readonly Queue<(TaskCompletionSource Turn, TimeSpan Since)> _again = new();
    private long _arrivals;
    private bool _isTaken;

    /// <summary>Completes when the caller's turn comes. <see cref="Leave"/> ends the turn.</summary>
    public Task EnterAsync(int receives) =>
        EnterAsync(turn => _waiting.Enqueue(turn, (-receives, _arrivals++)));

    /// <summary>Completes when the caller's second turn comes. <see cref="Leave"/> ends the turn.</summary>
    public Task EnterAgainAsync() => EnterAsync(turn => _again.Enqueue((turn, time.GetMonotonic())));

    /// <summary>Ends the caller's turn.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (Next() is { } next) next.SetResult();
            else _isTaken = false;
        }
    }

    private Task EnterAsync(Action<TaskCompletionSource> wait)
    {
        lock (_lock)
        {
            if (!_isTaken)
            {
                _isTaken = true;
                return Task.CompletedTask;
            }

            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            wait(turn);
            return turn.Task;
        }
    }

    private TaskCompletionSource? Next()
    {
        var waitsTooLong = _again.TryPeek(out var first) && time.GetMonotonic() - first.Since >= LongestWait;
        if (!waitsTooLong && _waiting.TryDequeue(out var next, out _)) return next;
        return _again.TryDequeue(out var again) ? again.Turn : null;
    }
}
