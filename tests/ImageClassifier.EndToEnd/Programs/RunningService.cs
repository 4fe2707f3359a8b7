using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>The built program as <c>web</c>, on a free port and with its own data folder. Disposal stops it like
/// Ctrl-C, if the test has not, and deletes the folder.</summary>
public sealed partial class RunningService : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(45);

    private static readonly Uri AnyPort = new("http://127.0.0.1:0");

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly bool _ownsData;

    private RunningService(Process process, string dataFolder, bool ownsData)
    {
        _process = process;
        DataFolder = dataFolder;
        _ownsData = ownsData;
    }

    public string DataFolder { get; }

    public int ProcessId => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The CPU time of the process.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public HttpClient Http { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public string Log => string.Join('\n', _log);

    /// <summary>Starts the service.</summary>
    /// <param name="settings">The values of <c>--set</c>, without the prefix image-classifier.</param>
    public static Task<RunningService> StartAsync(params string[] settings) =>
        StartAsync(Directory.CreateTempSubdirectory("image-classifier-").FullName, ownsData: true, settings);

    /// <summary>Starts the service of the <see cref="FaultyProgram"/> with an existing data folder.</summary>
    public static Task<RunningService> StartFaultyAsync(string dataFolder, bool ownsData, params string[] settings) =>
        StartAsync(dataFolder, ownsData, AnyPort, isFaulty: true, settings);

    /// <summary>Starts the service with an existing data folder, which stays afterwards.</summary>
    public static Task<RunningService> StartAsync(string dataFolder, bool ownsData, params string[] settings) =>
        StartAsync(dataFolder, ownsData, AnyPort, settings);

    /// <summary>Starts the service with an existing data folder, at an address that clients know.</summary>
    public static Task<RunningService> StartAsync(
        string dataFolder, bool ownsData, Uri address, params string[] settings) =>
        StartAsync(dataFolder, ownsData, address, isFaulty: false, settings);

    /// <summary>Starts the service with a limit of open files.</summary>
    public static Task<RunningService> StartWithFilesAsync(int openFiles, params string[] settings)
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        var start = BuiltProgram.StartInfoWithFiles(openFiles, Arguments(AnyPort, data, settings));
        return StartAsync(start, data, ownsData: true);
    }

    /// <summary>Starts the service with an existing data folder and more environment variables.</summary>
    public static Task<RunningService> StartAsync(
        string dataFolder, bool ownsData, IReadOnlyDictionary<string, string> variables, params string[] settings) =>
        StartAsync(BuiltProgram.Path, dataFolder, ownsData, variables, settings);

    /// <summary>Starts the service of another build with an existing data folder and more environment
    /// variables.</summary>
    public static Task<RunningService> StartAsync(
        string program,
        string dataFolder,
        bool ownsData,
        IReadOnlyDictionary<string, string> variables,
        params string[] settings)
    {
        var isThisBuild = program == BuiltProgram.Path;
        var start = BuiltProgram.StartInfo(Arguments(AnyPort, dataFolder, settings, isThisBuild));
        start.FileName = program;
        foreach (var (name, value) in variables) start.Environment[name] = value;
        return StartAsync(start, dataFolder, ownsData);
    }

    /// <summary>Starts the service by another program, for example one that puts it into its own network.</summary>
    public static Task<RunningService> StartByAsync(
        IReadOnlyList<string> starter, string dataFolder, Uri address, params string[] settings) =>
        StartAsync(BuiltProgram.StartInfoBy(starter, Arguments(address, dataFolder, settings)), dataFolder, ownsData: false);

    private static Task<RunningService> StartAsync(
        string dataFolder, bool ownsData, Uri address, bool isFaulty, string[] settings) =>
        StartAsync(BuiltProgram.StartInfo(Arguments(address, dataFolder, settings), isFaulty), dataFolder, ownsData);

    private static string[] Arguments(Uri address, string dataFolder, string[] settings, bool isThisBuild = true) =>
    [
        "web", "--urls", address.ToString().TrimEnd('/'), "--data", dataFolder,
        // Tests upload the same pictures again and again, and nodes must classify all of them. Earlier builds do so.
        .. (isThisBuild ? ["uploads.repeats=off", .. settings] : settings)
            .SelectMany(setting => new[] { "--set", $"image-classifier.{setting}" }),
    ];

    private static async Task<RunningService> StartAsync(ProcessStartInfo start, string dataFolder, bool ownsData)
    {
        var process = new Process { StartInfo = start };
        var service = new RunningService(process, dataFolder, ownsData);
        process.OutputDataReceived += (_, line) => service.AddLine(line.Data);
        process.ErrorDataReceived += (_, line) => service.AddLine(line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        Task startedOrEnded = Task.WhenAny(service._address.Task, process.WaitForExitAsync());
        await startedOrEnded.WaitAsync(StartLimit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!service._address.Task.IsCompleted)
        {
            await service.DisposeAsync();
            Assert.Fail($"The service did not start:\n{service.Log}");
        }

        service.Address = await service._address.Task;
        service.Http = new HttpClient { BaseAddress = service.Address, Timeout = TimeSpan.FromMinutes(3) };
        return service;
    }

    /// <summary>Makes the service launch no node, because it launches nothing that it cannot note.</summary>
    public void PreventLaunches() => File.WriteAllText(LaunchesFolder(DataFolder), "a file where the folder should be");

    /// <summary>Lets the next service with the data folder launch nodes.</summary>
    public static void AllowLaunches(string dataFolder) => File.Delete(LaunchesFolder(dataFolder));

    private static string LaunchesFolder(string dataFolder) => Path.Combine(dataFolder, "objects", "launches");

    /// <summary>The process ids of the live app nodes.</summary>
    public IReadOnlyList<int> NodeProcesses() => ProcessTable.Running(DataFolder, "node");

    /// <summary>Kills the web tier, like SIGKILL.</summary>
    public async Task KillWebAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Waits until the service ends by itself.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> EndAsync(TimeSpan limit)
    {
        await _process.WaitForExitAsync().WaitAsync(limit);
        return _process.ExitCode;
    }

    /// <summary>Stops the service by Ctrl-C or another signal.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync(string signal = "INT")
    {
        if (!_process.HasExited) ProcessTable.Signal(_process.Id, signal);
        using var limit = new CancellationTokenSource(StopLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            Assert.Fail($"The service did not stop:\n{Log}");
        }

        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) await StopAsync();
        _process.Dispose();
        Http?.Dispose();
        if (_ownsData) Directory.Delete(DataFolder, recursive: true);
    }

    private void AddLine(string? line)
    {
        if (line is null) return;
        _log.Enqueue(line);
        if (Listening().Match(line) is { Success: true } match) _address.TrySetResult(new Uri(match.Groups[1].Value));
    }

    [GeneratedRegex(@"Now listening on: (http://\S+)")]
    private static partial Regex Listening();
}
