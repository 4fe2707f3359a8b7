using System.ComponentModel;
using System.Diagnostics;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams;

namespace ImageClassifier.Host.Isolation;

/// <summary>
/// Classifies pictures in a child process: this same program, with a verb that no help shows. One child is kept for the
/// next pictures, because a start costs more than most of them; it ends after a while without any, and with its node.
/// </summary>
internal sealed class IsolatedClassifier : IIsolatedClassifier, IDisposable
{
    // The neighbours of a deadly picture come within a lease or so.
    private static readonly TimeSpan IdleLimit = TimeSpan.FromMinutes(1);

    private readonly ProcessStartInfo _command;
    private readonly byte[] _settings;
    private readonly ModelIdentity _model;
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly ITimer _idle;
    private ClassifierProcess? _process;
    private bool _isDisposed;

    /// <summary>Starts nothing yet.</summary>
    /// <param name="command">Starts a child, its streams redirected.</param>
    /// <param name="settings">What the child runs.</param>
    /// <param name="model">The model that it must turn out to be.</param>
    /// <param name="limit">How long a picture may take in all, in a child that starts.</param>
    /// <param name="time">Measures that.</param>
    public IsolatedClassifier(
        ProcessStartInfo command, OnnxSettings settings, ModelIdentity model, TimeSpan limit, TimeProvider time)
    {
        _command = command;
        // One picture at a time.
        _settings = WireJson.WriteUtf8(settings with { MaxBatch = 1 });
        _model = model;
        _limit = limit;
        _time = time;
        _idle = time.CreateTimer(_ => EndIdle(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The command of a child of this program. The child decodes what may be hostile, so it gets no secret:
    /// neither the settings in variables, because the node gives it those that it needs, nor credentials.</summary>
    public static ProcessStartInfo ChildOfThisProgram()
    {
        var program = NodeCommand.OfThisProgram([]);
        var command = new ProcessStartInfo(
            program.Program, [.. program.LeadingArguments, IsolatedClassifierVerb.Name])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        string[] withheld = ["IMAGE_CLASSIFIER__", "AWS_"];
        foreach (var name in command.Environment.Keys.Where(
            name => withheld.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))).ToArray())
            command.Environment.Remove(name);
        return command;
    }

    /// <inheritdoc />
    public async Task<IsolatedOutcome> ClassifyAsync(ReadOnlyMemory<byte> picture)
    {
        await _turn.WaitAsync();
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _idle.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return await AskAsync(picture);
        }
        finally
        {
            if (!_isDisposed) _idle.Change(IdleLimit, Timeout.InfiniteTimeSpan);
            _turn.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _isDisposed = true;
        _idle.Dispose();
        // One that has a picture loses its process, and ends.
        EndProcess();
    }

    private async Task<IsolatedOutcome> AskAsync(ReadOnlyMemory<byte> picture)
    {
        try
        {
            _process ??= ClassifierProcess.Start(_command, _settings);
            return ToOutcome(await _process.AskAsync(picture).WaitAwakeAsync(_limit, _time));
        }
        catch (Win32Exception failure)
        {
            return new IsolatedOutcome.Failed($"No process can be started: {failure.Message}");
        }
        catch (TimeoutException)
        {
            var hadOthers = _process is { HasAnswered: true };
            EndProcess();
            return new IsolatedOutcome.Died(
                ProcessDeath.TimedOut, hadOthers, $"There was no answer within {_limit}.");
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException or InvalidOperationException)
        {
            return await EndOfProcessAsync(failure);
        }
    }

    private IsolatedOutcome ToOutcome(IsolatedReply reply)
    {
        if (reply.Model != _model)
        {
            EndProcess();
            return new IsolatedOutcome.Failed($"The model directory has changed: it holds {reply.Model} now.");
        }

        if (reply.IsMemoryShort) throw new InsufficientMemoryException(reply.Failure);
        return reply switch
        {
            { Predictions: { } predictions } => new IsolatedOutcome.Classified(
                predictions, TimeSpan.FromMilliseconds(reply.DecodeMs), TimeSpan.FromMilliseconds(reply.RunMs)),
            { Error: { } error } => new IsolatedOutcome.Refused(error),
            _ => new IsolatedOutcome.Failed(reply.Failure ?? "The answer says nothing."),
        };
    }

    private async Task<IsolatedOutcome> EndOfProcessAsync(Exception failure)
    {
        if (_process is not { } process) return new IsolatedOutcome.Failed(failure.Message);
        var exitCode = failure is InvalidDataException ? null : await process.EndedAsync(_time);
        EndProcess();
        if (exitCode is not { } code)
            return new IsolatedOutcome.Failed($"The process did not answer as agreed: {failure.Message}");
        var details = $"{ProcessEnd.Describe(code)}. It printed: {process.Errors}";
        return ProcessEnd.Of(code) is { } death
            ? new IsolatedOutcome.Died(death, process.HasAnswered, details)
            : new IsolatedOutcome.Failed($"The process ended by itself. {details}");
    }

    private void EndIdle()
    {
        // Someone has a picture: the timer starts anew after it.
        if (!_turn.Wait(0)) return;
        EndProcess();
        _turn.Release();
    }

    private void EndProcess() => Interlocked.Exchange(ref _process, null)?.Dispose();
}
