using System.Collections.Concurrent;
using System.Diagnostics;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>The <see cref="FaultyProgram"/> running as <c>node</c>, started by hand beside those that the web tier
/// launches. Disposing of it kills it, where it still runs.</summary>
internal sealed class RunningNode : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();

    private RunningNode(Process process, string instance)
    {
        _process = process;
        Instance = instance;
    }

    public string Instance { get; }

    public int ProcessId => _process.Id;

    /// <summary>What it printed: nothing, unless it went wrong before it had its own log.</summary>
    public string Output => string.Join('\n', _output);

    /// <summary>Starts a node.</summary>
    /// <param name="dataFolder">The web tier's.</param>
    /// <param name="instance">A name that no other node has.</param>
    /// <param name="variables">Variables of its environment.</param>
    /// <param name="settings">Given with <c>--set</c>, the image-classifier prefix left out.</param>
    public static RunningNode Start(
        string dataFolder, string instance, IReadOnlyDictionary<string, string> variables, IEnumerable<string> settings)
    {
        var process = new Process
        {
            StartInfo = BuiltProgram.StartInfo(
            [
                "node", "--data", dataFolder, "--instance", instance,
                .. settings.SelectMany(setting => new[] { "--set", $"image-classifier.{setting}" }),
            ], isFaulty: true),
        };
        foreach (var (name, value) in variables) process.StartInfo.Environment[name] = value;
        var node = new RunningNode(process, instance);
        process.OutputDataReceived += (_, line) => node._output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => node._output.Enqueue(line.Data ?? "");
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
