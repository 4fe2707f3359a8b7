using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.Isolation;

/// <summary>The node's side of one classifier process.</summary>
internal sealed class ClassifierProcess : IDisposable
{
    // A crash prints its stack. The log needs no more than this of it.
    private const int MostLines = 40;

    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _errors = new();
    private Task _ready = Task.CompletedTask;

    private ClassifierProcess(ProcessStartInfo command) => _process = new Process { StartInfo = command };

    /// <summary>True if it has loaded its model. If it ends before, no picture is at fault.</summary>
    public bool IsReady => _ready.IsCompletedSuccessfully;

    /// <summary>True if it has answered a picture.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>True if the process has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>The process's output on standard error.</summary>
    public string Errors => string.Join('\n', _errors);

    /// <summary>Starts a process, which loads its model before the first picture arrives.</summary>
    /// <exception cref="Win32Exception">The system cannot start it.</exception>
    public static ClassifierProcess Start(ProcessStartInfo command, ReadOnlyMemory<byte> settings)
    {
        var started = new ClassifierProcess(command);
        try
        {
            started._process.ErrorDataReceived += (_, line) => started.Note(line.Data);
            started._process.Start();
            started._process.BeginErrorReadLine();
            // The first picture awaits it, and fails like it.
            started._ready = started.BeginAsync(settings);
            return started;
        }
        catch
        {
            started.Dispose();
            throw;
        }
    }

    /// <summary>Classifies a picture in the process.</summary>
    /// <exception cref="IOException">The process ended.</exception>
    /// <exception cref="InvalidDataException">The process gave an invalid answer.</exception>
    public async Task<IsolatedReply> AskAsync(ReadOnlyMemory<byte> picture)
    {
        await _ready;
        await Frames.WriteAsync(_process.StandardInput.BaseStream, picture);
        var reply = await Frames.ReadAsync(_process.StandardOutput.BaseStream)
            ?? throw new EndOfStreamException("The process ended without an answer.");
        HasAnswered = true;
        try
        {
            return JsonSerializer.Deserialize<IsolatedReply>(reply, WireJson.Options)
                ?? throw new InvalidDataException("The answer is empty.");
        }
        catch (JsonException failure)
        {
            throw new InvalidDataException("The answer is no JSON.", failure);
        }
    }

    /// <summary>Waits for the end of the process, and kills it if it does not end.</summary>
    /// <returns>The exit code; null if it had to be killed.</returns>
    public async Task<int?> EndedAsync(TimeProvider time)
    {
        await _process.WaitForExitAsync().WaitAsync(EndLimit, time)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _process.HasExited ? _process.ExitCode : null;
    }

    /// <summary>Kills the process if it still runs.</summary>
    public void Dispose()
    {
        try
        {
            _process.Kill();
        }
        catch (Exception failure) when (failure is InvalidOperationException or Win32Exception)
        {
            // The process has ended, or never started.
        }

        _process.Dispose();
    }

    private async Task BeginAsync(ReadOnlyMemory<byte> settings)
    {
        await Frames.WriteAsync(_process.StandardInput.BaseStream, settings);
        // An empty message reports that the model is loaded.
        if (await Frames.ReadAsync(_process.StandardOutput.BaseStream) is null)
            throw new EndOfStreamException("The process ended before it had loaded its model.");
    }

    private void Note(string? line)
    {
        if (line is not null && _errors.Count < MostLines) _errors.Enqueue(line);
    }
}
