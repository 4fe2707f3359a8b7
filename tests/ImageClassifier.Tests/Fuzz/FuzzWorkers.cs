using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Text;

namespace ImageClassifier.Tests.Fuzz;

/// <summary>Tries inputs on several threads, with a time limit for each and a limit of memory growth for all. A file
/// keeps the names of the inputs under way. After a crash in native code, which ends the process, the file names the
/// input.</summary>
internal sealed class FuzzWorkers : IDisposable
{
    private const int NameBytes = 64;
    private const int InputsBetweenChecks = 200;

    // By then code is compiled, pools are full, and every kind of input has been tried.
    private const int InputsToWarmUp = 2000;
    private static readonly TimeSpan LimitOfOne = TimeSpan.FromSeconds(20);

    private readonly int _threads = Math.Clamp(Environment.ProcessorCount, 1, 8);
    private readonly long _maxGrowth;
    private readonly string _path;
    private readonly MemoryMappedFile _names;
    private readonly MemoryMappedViewAccessor _view;
    private readonly Current[] _current;
    private FuzzRun _run = new(0, 0, 0);
    private int _next;
    private int _done;
    private long _warm;
    private long _most;

    /// <summary>Prepares the runs.</summary>
    /// <param name="target">The name of the target.</param>
    /// <param name="maxGrowth">The allowed growth of the process's memory in bytes, once it is warm.</param>
    public FuzzWorkers(string target, long maxGrowth)
    {
        _maxGrowth = maxGrowth;
        _current = new Current[_threads];
        _path = Path.Combine(Path.GetTempPath(), $"image-classifier-fuzz-{target}-{Environment.ProcessId}");
        _names = MemoryMappedFile.CreateFromFile(_path, FileMode.Create, null, _threads * NameBytes);
        _view = _names.CreateViewAccessor();
        // The test host shows this text after a crash.
        Console.Error.WriteLine($"Should this process die, {_path} names the {target} inputs that were under way.");
    }

    /// <summary>The memory of the process.</summary>
    public string Memory => $"{_warm >> 20} MiB when warm, {_most >> 20} MiB at most";

    /// <summary>Tries the inputs of a run.</summary>
    /// <param name="run">The inputs.</param>
    /// <param name="tryOne">Tries the input of an index, and throws if something is wrong.</param>
    public async Task RunAsync(FuzzRun run, Action<int> tryOne)
    {
        (_run, _next) = (run, run.From);
        using var stop = new CancellationTokenSource();
        var workers = Enumerable.Range(0, _threads)
            .Select(slot => Task.Factory.StartNew(
                () => Work(slot, tryOne, stop), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default))
            .ToList();
        var all = Task.WhenAll(workers);
        while (await Task.WhenAny(all, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System)) != all)
        {
            foreach (var current in _current)
            {
                if (current.Started == 0 || Stopwatch.GetElapsedTime(current.Started) < LimitOfOne) continue;
                await stop.CancelAsync();
                throw _run.Failure(current.Index, $"it has not ended within {LimitOfOne.TotalSeconds:0} s");
            }
        }

        await all;
    }

    public void Dispose()
    {
        _view.Dispose();
        _names.Dispose();
        File.Delete(_path);
    }

    private void Work(int slot, Action<int> tryOne, CancellationTokenSource stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var index = Interlocked.Increment(ref _next) - 1;
            if (index >= _run.From + _run.Count) break;
            Announce(slot, index);
            try
            {
                tryOne(index);
            }
            catch (Exception failure)
            {
                stop.Cancel();
                throw _run.Failure(index, failure.Message, failure);
            }
            finally
            {
                _current[slot] = default;
            }

            if (Interlocked.Increment(ref _done) % InputsBetweenChecks == 0) CheckMemory(index);
        }
    }

    private void Announce(int slot, int index)
    {
        _current[slot] = new Current(index, Stopwatch.GetTimestamp());
        var name = Encoding.UTF8.GetBytes(_run.Name(index).PadRight(NameBytes - 1) + '\n');
        _view.WriteArray(slot * NameBytes, name, 0, NameBytes);
    }

    private void CheckMemory(int index)
    {
        var now = Environment.WorkingSet;
        if (_done <= InputsToWarmUp) _warm = Math.Max(_warm, now);
        _most = Math.Max(_most, now);
        if (_warm == 0 || now <= _warm + _maxGrowth) return;

        // With much memory, the runtime keeps garbage for long.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        now = Environment.WorkingSet;
        if (now <= _warm + _maxGrowth) return;
        var managed = GC.GetTotalMemory(forceFullCollection: false);
        throw _run.Failure(
            index, $"by then memory had grown from {_warm:N0} to {now:N0} bytes, {managed:N0} of them managed");
    }

    private readonly record struct Current(int Index, long Started);
}
