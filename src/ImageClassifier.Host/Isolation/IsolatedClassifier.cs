using System.ComponentModel;
using System.Diagnostics;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams;

namespace ImageClassifier.Host.Isolation;

/// <summary>Classifies pictures in child processes: this program with a hidden verb. Starting a child takes longer than
/// most pictures, so one child is kept and a spare replaces it if it dies. There are never more than two. Children end
/// after a while without pictures, and with their node.</summary>
internal sealed class IsolatedClassifier : IIsolatedClassifier
{
    // The other messages of a crashed node return within about a lease.
    private static readonly TimeSpan IdleLimit = TimeSpan.FromMinutes(1);

    private readonly ProcessStartInfo _command;
    private readonly byte[] _settings;
    private readonly ModelIdentity _model;
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly ITimer _idle;
    private ClassifierProcess? _current;
    private ClassifierProcess? _used;
    private ClassifierProcess? _spare;
    private bool _isDisposed;

    /// <summary>Creates the classifier. It starts no child yet.</summary>
    /// <param name="command">The start of a child, with redirected streams.</param>
    /// <param name="settings">The settings of the child.</param>
    /// <param name="model">The model that the child must report.</param>
    /// <param name="limit">The time limit of a picture, including the start of its child.</param>
    /// <param name="time">Measures the time limit.</param>
    public IsolatedClassifier(
        ProcessStartInfo command, OnnxSettings settings, ModelIdentity model, TimeSpan limit, TimeProvider time)
    {
        _command = command;
        // Pictures are classified one at a time.
        _settings = WireJson.WriteUtf8(settings with { MaxBatch = 1 });
        _model = model;
        _limit = limit;
        _time = time;
        _idle = time.CreateTimer(_ => EndIdle(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The start of this program as a child. The child decodes hostile pictures, so it gets a node's variables
    /// without secrets and settings. The node sends it the settings that it needs.</summary>
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
        foreach (var name in command.Environment.Keys.Where(name => !Passes(name)).ToArray())
            command.Environment.Remove(name);
        // A child may live for a single picture. So a fast start is worth more than code that gets faster later.
        command.Environment["DOTNET_TieredPGO"] = "0";
        return command;
    }

    private static bool Passes(string variable) =>
        NodeEnvironment.Passes(variable, onAws: false)
        && !variable.StartsWith(ProgramSettings.VariablePrefix, StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc />
    public async Task<IsolatedOutcome> ClassifyAsync(ReadOnlyMemory<byte> picture, bool isAlone)
    {
        await _turn.WaitAsync();
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _idle.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return await AskAsync(picture, isAlone);
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
        // A call under way loses its child, and so ends.
        End(ref _current);
        EndKept();
    }

    private async Task<IsolatedOutcome> AskAsync(ReadOnlyMemory<byte> picture, bool isAlone)
    {
        try
        {
            _current = Take(isAlone);
            var reply = await _current.AskAsync(picture).WaitAwakeAsync(_limit, _time);
            Keep();
            return ToOutcome(reply);
        }
        catch (Win32Exception failure)
        {
            return new IsolatedOutcome.Failed($"No process can be started: {failure.Message}");
        }
        catch (TimeoutException)
        {
            var (hadOthers, isReady) = (_current is { HasAnswered: true }, _current is { IsReady: true });
            End(ref _current);
            StartSpare();
            if (!isReady) return new IsolatedOutcome.Failed($"The process had not loaded its model within {_limit}.");
            return new IsolatedOutcome.Died(
                ProcessDeath.TimedOut, hadOthers, $"There was no answer within {_limit}.");
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException or InvalidOperationException)
        {
            return await EndOfProcessAsync(failure);
        }
    }

    private ClassifierProcess Take(bool isAlone)
    {
        // A child that ended without a picture says nothing about the next picture.
        if (_used is { HasEnded: true }) End(ref _used);
        if (_spare is { HasEnded: true }) End(ref _spare);
        ClassifierProcess? taken = null;
        if (!isAlone) taken = Interlocked.Exchange(ref _used, null);
        taken ??= Interlocked.Exchange(ref _spare, null);
        if (taken is null) return ClassifierProcess.Start(_command, _settings);
        // The next child starts while this one works.
        if (_used is null) StartSpare();
        return taken;
    }

    private void Keep()
    {
        End(ref _used);
        _used = Interlocked.Exchange(ref _current, null);
        // Not earlier: a second start would slow down the first child, while a picture waits for it.
        StartSpare();
    }

    private void StartSpare()
    {
        if (_isDisposed || _spare is not null) return;
        try
        {
            _spare = ClassifierProcess.Start(_command, _settings);
        }
        catch (Win32Exception)
        {
            // The next picture then has no child, and reports it.
        }
    }

    private IsolatedOutcome ToOutcome(IsolatedReply reply)
    {
        if ((reply.Model.Name, reply.Model.Sha256) != (_model.Name, _model.Sha256))
        {
            EndKept();
            return new IsolatedOutcome.Failed($"The model directory has changed: it holds {reply.Model} now.");
        }

        if (reply.IsMemoryShort) throw new InsufficientMemoryException(reply.Failure);
        return reply switch
        {
            { Predictions: { } predictions } => new IsolatedOutcome.Classified(
                predictions, TimeSpan.FromMilliseconds(reply.DecodeMs), TimeSpan.FromMilliseconds(reply.RunMs)),
            { Error: { } error } => new IsolatedOutcome.Refused(error),
            _ => new IsolatedOutcome.Failed(reply.Failure ?? "The answer has no outcome."),
        };
    }

    private async Task<IsolatedOutcome> EndOfProcessAsync(Exception failure)
    {
        if (_current is not { } process) return new IsolatedOutcome.Failed(failure.Message);
        var exitCode = failure is InvalidDataException ? null : await process.EndedAsync(_time);
        End(ref _current);
        if (exitCode is not { } code)
            return new IsolatedOutcome.Failed($"The process sent an invalid answer: {failure.Message}");
        var details = $"{ProcessEnd.Describe(code)}. It printed: {process.Errors}";
        if (!process.IsReady) return new IsolatedOutcome.Failed($"The process could not load its model. {details}");
        if (ProcessEnd.Of(code) is not { } death)
            return new IsolatedOutcome.Failed($"The process ended by itself. {details}");
        StartSpare();
        return new IsolatedOutcome.Died(death, process.HasAnswered, details);
    }

    private void EndIdle()
    {
        // A picture is under way. The timer starts again after it.
        if (!_turn.Wait(0)) return;
        EndKept();
        _turn.Release();
    }

    private void EndKept()
    {
        End(ref _used);
        End(ref _spare);
    }

    private static void End(ref ClassifierProcess? process) => Interlocked.Exchange(ref process, null)?.Dispose();
}
