using System.Diagnostics;

namespace ImageClassifier.Simulations.Time;

/// <summary>
/// Detects that all threads of the pool are idle. Actors, streams and tasks run on these threads. While none is busy
/// and nothing is queued for them, only the clock can cause further work. Ask on a thread outside the pool.
/// </summary>
/// <remarks>A test runner occupies some pool threads for the whole run. They are recognised by their number, so create
/// this object while nothing else runs.</remarks>
internal sealed class ThreadsAtRest
{
    private const int SpinsBetweenChecks = 1000;
    private static readonly TimeSpan Steady = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan HeldAfter = TimeSpan.FromSeconds(3);

    private int _held;

    public ThreadsAtRest()
    {
        var spin = new SpinWait();
        _held = Busy;
        for (var steady = Stopwatch.StartNew(); steady.Elapsed < Steady; spin.SpinOnce(sleep1Threshold: -1))
        {
            if (Busy == _held) continue;
            _held = Busy;
            steady.Restart();
        }
    }

    private static int Busy
    {
        get
        {
            ThreadPool.GetMaxThreads(out var most, out _);
            ThreadPool.GetAvailableThreads(out var available, out _);
            return most - available;
        }
    }

    /// <summary>Waits until all threads are idle.</summary>
    public void Wait()
    {
        var spin = new SpinWait();
        Stopwatch? unchanged = null;
        var (lastBusy, lastCompleted) = (-1, -1L);
        while (true)
        {
            var busy = Busy;
            if (busy <= _held && ThreadPool.PendingWorkItemCount == 0 && Busy == busy)
            {
                _held = busy;
                return;
            }

            spin.SpinOnce(sleep1Threshold: -1);
            if (spin.Count % SpinsBetweenChecks != 0) continue;
            var completed = ThreadPool.CompletedWorkItemCount;
            if (unchanged is null || busy != lastBusy || completed != lastCompleted)
            {
                unchanged = Stopwatch.StartNew();
                (lastBusy, lastCompleted) = (busy, completed);
            }
            else if (unchanged.Elapsed > HeldAfter)
            {
                // A thread that finishes nothing for this long belongs to the test runner.
                _held = busy;
            }
        }
    }
}
