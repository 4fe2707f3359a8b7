using System.Diagnostics;
using System.Globalization;
using ImageClassifier.EndToEnd.Programs;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>A process whose CPU time, allocations and peak memory are read while it runs. It has the
/// <see cref="StartupHook"/>. Disposal ends it if it
/// was started here.</summary>
internal sealed class MeteredProcess : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan QuietPeriod = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan QuietCpu = TimeSpan.FromMilliseconds(30);

    private readonly Process _process;
    private readonly string _allocations;
    private readonly bool _isOwn;

    private MeteredProcess(Process process, string folder, bool isOwn)
    {
        _process = process;
        _isOwn = isOwn;
        _allocations = StartupHook.FileOf(folder, process.Id);
    }

    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>The most memory that the process had at once, in bytes.</summary>
    public long PeakMemory
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    /// <summary>Starts a program.</summary>
    /// <param name="program">The path of the program.</param>
    /// <param name="folder">A folder for what the process says of itself.</param>
    /// <param name="variables">Variables of its environment.</param>
    /// <param name="arguments">Its arguments.</param>
    public static MeteredProcess Start(
        string program, string folder, IReadOnlyDictionary<string, string> variables, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var (name, value) in variables) start.Environment[name] = value;
        StartupHook.AddTo(start.Environment, folder);
        return new MeteredProcess(Process.Start(start)!, folder, isOwn: true);
    }

    /// <summary>A process that someone else has started, with the hook, and ends.</summary>
    public static MeteredProcess Of(int process, string folder) => new(Process.GetProcessById(process), folder, isOwn: false);

    /// <summary>Writes a line to its standard input.</summary>
    public Task WriteLineAsync(string line) => _process.StandardInput.WriteLineAsync(line);

    /// <summary>The next line of its standard output.</summary>
    public async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync().WaitAsync(Limit) ?? throw new InvalidOperationException("The process ended.");

    /// <summary>The memory that the process has allocated on the managed heap so far, in bytes.</summary>
    public async Task<long> AllocatedAsync()
    {
        File.Delete(_allocations);
        ProcessTable.Signal(_process.Id, StartupHook.SignalName);
        await Until.HoldsAsync(
            () => File.Exists(_allocations), Limit, () => $"Process {_process.Id} does not tell its allocations.");
        return long.Parse(await File.ReadAllTextAsync(_allocations), CultureInfo.InvariantCulture);
    }

    /// <summary>Completes with a task; fails if the process ends before.</summary>
    public async Task DuringAsync(Task task)
    {
        using var done = new CancellationTokenSource();
        if (await Task.WhenAny(task, _process.WaitForExitAsync(done.Token)) != task)
            throw new InvalidOperationException("The measured process ended.");
        await done.CancelAsync();
        await task;
    }

    /// <summary>Completes when the process has done nothing for a while: it has started.</summary>
    public async Task UntilQuietAsync()
    {
        using var timer = new PeriodicTimer(QuietPeriod, TimeProvider.System);
        TimeSpan before;
        do
        {
            before = Cpu;
            await timer.WaitForNextTickAsync();
        }
        while (Cpu - before > QuietCpu);
    }

    public async ValueTask DisposeAsync()
    {
        if (_isOwn && !_process.HasExited) _process.Kill();
        if (_isOwn) await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
