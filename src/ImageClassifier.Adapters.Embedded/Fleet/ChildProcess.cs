using System.ComponentModel;
using System.Diagnostics;
using ImageClassifier.Core;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>A child process of this one. It outlives its parent: then no one reads its output, and the runtime drops
/// what it writes.</summary>
internal sealed class ChildProcess : IDisposable
{
    // A process that a signal ended has this plus the signal's number for its exit code.
    private const int SignalExitCode = 128;

    private readonly Process _process;
    private readonly LastWords _lastWords;
    private readonly Task _ended;
    private volatile bool _isKilled;

    private ChildProcess(Process process, LastWords lastWords)
    {
        _process = process;
        _lastWords = lastWords;
        _ended = process.WaitForExitAsync();
    }

    /// <summary>Whether it is gone, or was let go of.</summary>
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
                // Another look at the fleet has seen it end and disposed of it.
                return true;
            }
        }
    }

    /// <summary>Whether it is gone and all that it printed was read.</summary>
    public bool IsFinished => _ended.IsCompleted;

    /// <summary>Why it failed, once it is finished: its exit code and its last words. Null where it ended in order, or
    /// was killed by this program.</summary>
    public string? Problem()
    {
        if (_isKilled || _process.ExitCode == 0) return null;
        var exit = _process.ExitCode is > SignalExitCode and var code
            ? $"The app node was ended by signal {code - SignalExitCode}"
            : $"The app node ended with exit code {_process.ExitCode}";
        return _lastWords.ToString() is { Length: > 0 } words ? $"{exit}: {words}" : $"{exit}.";
    }

    /// <summary>Starts a process and logs what it prints: a node has a log file of its own, so whatever comes here
    /// went wrong before it had, or around it.</summary>
    /// <exception cref="Win32Exception">The system cannot start it.</exception>
    public static ChildProcess Start(ProcessStartInfo command, InstanceId instance, ILogger log)
    {
        var process = new Process { StartInfo = command };
        var lastWords = new LastWords();
        try
        {
            process.OutputDataReceived += (_, line) => Log(line.Data);
            process.ErrorDataReceived += (_, line) =>
            {
                Log(line.Data);
                if (!string.IsNullOrWhiteSpace(line.Data)) lastWords.Add(line.Data);
            };
            process.Start();
            process.StandardInput.Close();
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            return new ChildProcess(process, lastWords);
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

    /// <summary>Ends it and its own children, and waits until it is gone.</summary>
    public async Task KillAsync(CancellationToken cancellation)
    {
        _isKilled |= !HasExited;
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception failure) when (failure is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It was just ending by itself; if not, waiting for it shows so.
        }

        await _ended.WaitAsync(cancellation);
    }

    public void Dispose() => _process.Dispose();
}
