using System.ComponentModel;
using System.Diagnostics;
using ImageClassifier.Core;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>A child process, which outlives its parent. After the parent's end nobody reads its output, and the runtime
/// drops what it writes.</summary>
internal sealed class ChildProcess : IDisposable
{
    // The exit code of a process that a signal ended is this plus the number of the signal.
    private const int SignalExitCode = 128;

    private readonly Process _process;
    private readonly ErrorOutputTail _errorOutput;
    private readonly Task _ended;
    private volatile bool _isKilled;

    private ChildProcess(Process process, ErrorOutputTail errorOutput)
    {
        _process = process;
        _errorOutput = errorOutput;
        _ended = process.WaitForExitAsync();
    }

    /// <summary>True if the process has ended, or was disposed of.</summary>
    public bool HasExited
    {
        get
        {
            try
            {
                return _ended.IsCompleted || _process.HasExited;
            }
            catch (InvalidOperationException)
            {
                // Another call found that the process had ended, and disposed of it.
                return true;
            }
        }
    }

    /// <summary>True if the process has ended and all its output was read.</summary>
    public bool IsFinished => _ended.IsCompleted;

    /// <summary>Why the process failed: its exit code and its last error lines. Null if it ended in order, or this
    /// program killed it. Valid once it is finished.</summary>
    public string? Problem()
    {
        if (_isKilled || _process.ExitCode == 0) return null;
        var exit = _process.ExitCode is > SignalExitCode and var code
            ? $"The app node was ended by signal {code - SignalExitCode}"
            : $"The app node ended with exit code {_process.ExitCode}";
        return _errorOutput.ToString() is { Length: > 0 } words ? $"{exit}: {words}" : $"{exit}.";
    }

    /// <summary>Starts a process and logs its output as warnings. A node writes its own log file, so its output means
    /// that something went wrong before that file was open, or outside it.</summary>
    /// <exception cref="Win32Exception">The system cannot start the process.</exception>
    public static ChildProcess Start(ProcessStartInfo command, InstanceId instance, ILogger log)
    {
        var process = new Process { StartInfo = command };
        var errorOutput = new ErrorOutputTail();
        try
        {
            process.OutputDataReceived += (_, line) => Log(line.Data);
            process.ErrorDataReceived += (_, line) =>
            {
                Log(line.Data);
                if (!string.IsNullOrWhiteSpace(line.Data)) errorOutput.Add(line.Data);
            };
            process.Start();
            process.StandardInput.Close();
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            return new ChildProcess(process, errorOutput);
        }
        catch
        {
            process.Dispose();
            throw;
        }

        void Log(string? line)
        {
            if (!string.IsNullOrWhiteSpace(line)) log.LogWarning("{Instance}: {Line}", instance, line);
        }
    }

    /// <summary>Kills the process and its own children, and waits until they are gone.</summary>
    public async Task KillAsync(CancellationToken cancellation)
    {
        _isKilled |= !HasExited;
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception failure) when (failure is InvalidOperationException or Win32Exception or AggregateException)
        {
            // The process was just ending. If it was not, the wait below shows it.
        }

        await _ended.WaitAsync(cancellation);
    }

    public void Dispose() => _process.Dispose();
}
