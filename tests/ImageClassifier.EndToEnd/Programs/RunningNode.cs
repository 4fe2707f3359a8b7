using System.Collections.Concurrent;
using System.Diagnostics;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>A <c>node</c> of the <see cref="FaultyProgram"/>, started by hand beside the nodes of the web tier.
/// Disposal kills it if it still runs.</summary>
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

    /// <summary>The node's output. It is empty unless something failed before the log file was open.</summary>
    public string Output => string.Join('\n', _output);

    /// <summary>Starts a node.</summary>
    /// <param name="dataFolder">The data folder of the web tier.</param>
    /// <param name="instance">A name that no other node has.</param>
    /// <param name="variables">Variables of its environment.</param>
    /// <param name="settings">The values of <c>--set</c>, without the prefix image-classifier.</param>
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
