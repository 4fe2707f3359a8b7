using System.Diagnostics;

namespace ImageClassifier.Simulations.Time;

/// <summary>
/// Tells when all that is under way has gone through: actors, streams and tasks run on the process's shared threads,
/// and while none of these is busy and nothing is queued for them, only time can move anything on. To be asked on a
/// thread that is not one of them.
/// </summary>
/// <remarks>A test runner holds some of the threads for itself for a whole run. They are told by their number, so this
/// is to be made while nothing else is under way.</remarks>
internal sealed class ThreadsAtRest
{
    private const int SpinsBetweenLooks = 1000;
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

    /// <summary>Waits for it.</summary>
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
            if (spin.Count % SpinsBetweenLooks != 0) continue;
            var completed = ThreadPool.CompletedWorkItemCount;
            if (unchanged is null || busy != lastBusy || completed != lastCompleted)
            {
                unchanged = Stopwatch.StartNew();
                (lastBusy, lastCompleted) = (busy, completed);
            }
            else if (unchanged.Elapsed > HeldAfter)
            {
                // A thread that gets nothing done for so long is held by someone else.
                _held = busy;
            }
        }
    }
}
