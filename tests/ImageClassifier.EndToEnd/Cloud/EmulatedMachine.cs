using System.Collections.Concurrent;
using System.Diagnostics;
using ImageClassifier.EndToEnd.Programs;

namespace ImageClassifier.EndToEnd.Cloud;

/// <summary>Plays the machine of an instance, because the emulator only lists instances. It runs the built program as
/// <c>node</c> and has a metadata service. The node can turn it off.</summary>
internal sealed class EmulatedMachine : IAsyncDisposable
{
    private readonly MetadataService _metadata;
    private readonly DirectoryInfo _programs;
    private readonly Process _node;
    private readonly ConcurrentQueue<string> _log = new();

    private EmulatedMachine(MetadataService metadata, DirectoryInfo programs, Process node)
    {
        _metadata = metadata;
        _programs = programs;
        _node = node;
    }

    public string Log => string.Join('\n', _log);

    /// <summary>True if the node has turned the machine off.</summary>
    public bool IsTurnedOff => File.Exists(OffFile(_programs));

    /// <summary>Boots the machine: starts the node, as user data does.</summary>
    /// <param name="instanceId">The id of the instance.</param>
    /// <param name="settings">The values of <c>--set</c>, without the prefix image-classifier.</param>
    public static async Task<EmulatedMachine> BootAsync(string instanceId, IEnumerable<string> settings)
    {
        var metadata = await MetadataService.StartAsync(instanceId);
        var programs = Directory.CreateTempSubdirectory("image-classifier-machine-");
        var start = BuiltProgram.StartInfo(
            ["node", .. settings.SelectMany(setting => new[] { "--set", $"image-classifier.{setting}" })]);
        foreach (var (name, value) in CloudRole.Node.Variables) start.Environment[name] = value;
        start.Environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = metadata.Endpoint;
        // The search path has only the stand-in for shutdown. Otherwise the node could turn the real machine off.
        start.Environment["PATH"] = programs.FullName;
        AddShutdown(programs);
        var machine = new EmulatedMachine(metadata, programs, new Process { StartInfo = start });
        machine._node.OutputDataReceived += (_, line) => machine._log.Enqueue(line.Data ?? "");
        machine._node.ErrorDataReceived += (_, line) => machine._log.Enqueue(line.Data ?? "");
        machine._node.Start();
        machine._node.StandardInput.Close();
        machine._node.BeginOutputReadLine();
        machine._node.BeginErrorReadLine();
        return machine;
    }

    /// <summary>Waits until the node has ended by itself.</summary>
    /// <returns>The exit code of the node.</returns>
    public async Task<int> EndedAsync(TimeSpan limit)
    {
        await Until.HoldsAsync(() => _node.HasExited, limit, () => $"The node did not end itself:\n{Log}");
        return _node.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_node.HasExited) _node.Kill(entireProcessTree: true);
        await _node.WaitForExitAsync();
        _node.Dispose();
        await _metadata.DisposeAsync();
        _programs.Delete(recursive: true);
    }

    private static void AddShutdown(DirectoryInfo programs)
    {
        var shutdown = Path.Combine(programs.FullName, "shutdown");
        File.WriteAllText(shutdown, $"#!/bin/sh\necho \"$*\" > '{OffFile(programs)}'\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(shutdown, (UnixFileMode)0b111_101_101);
    }

    private static string OffFile(DirectoryInfo programs) => Path.Combine(programs.FullName, "turned-off");
}
