using System.ComponentModel;
using System.Diagnostics;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams;

namespace ImageClassifier.Host.Isolation;

/// <summary>Loads a model in a child process and classifies a picture there. A model that crashes its process, or that
/// needs too much memory, then ends the child and not the node.</summary>
/// <param name="command">The start of a child, with redirected streams.</param>
/// <param name="limit">The time limit of the trial.</param>
/// <param name="time">Measures the time limit.</param>
internal sealed class IsolatedTrial(ProcessStartInfo command, TimeSpan limit, TimeProvider time)
{
    /// <summary>A limit for a child that hangs. A large model with many samples takes minutes on a slow
    /// machine.</summary>
    public static readonly TimeSpan LongestTrial = TimeSpan.FromMinutes(10);

    private const int LongestDetails = 300;

    /// <summary>A grey PNG of one pixel, which no limit of decoding refuses. A refused picture would not be run.</summary>
    public static readonly byte[] Picture = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mNoaGgAAAMEAYF1LgG8AAAAAElFTkSuQmCC");

    /// <summary>Tries a model.</summary>
    /// <returns>Why the program refuses the model, as a sentence; null if it does not.</returns>
    /// <exception cref="UnusableModelException">The child died.</exception>
    /// <exception cref="ModelNotLoadedException">The child cannot be started, or hangs.</exception>
    /// <exception cref="OutOfMemoryException">Memory is short. A later call may succeed.</exception>
    public async Task<string?> RunAsync(OnnxSettings model, CancellationToken cancellation)
    {
        // The time-out is for pictures of users.
        var settings = model with { Decoding = model.Decoding with { Timeout = limit } };
        using var child = Start(settings);
        try
        {
            var reply = await child.AskAsync(Picture).WaitAwakeAsync(limit, time).WaitAsync(cancellation);
            return reply.IsMemoryShort ? throw new InsufficientMemoryException(reply.Failure) : reply.Failure;
        }
        catch (TimeoutException hang)
        {
            throw new ModelNotLoadedException(
                $"The model was not loaded within {limit} in a process that tries it.", hang);
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException or InvalidOperationException)
        {
            var exitCode = await child.EndedAsync(time);
            // A stopping service kills all its processes.
            cancellation.ThrowIfCancellationRequested();
            if (exitCode is { } code && HasDied(child, code))
                throw new UnusableModelException(Reason(child, code, model.ModelFolder), failure);
            // Such an end of the process says nothing of the model, except that its program refused it.
            return exitCode == ExitCodes.WrongUse ? WithoutName(child.Errors) : null;
        }
    }

    // A process that fails to start can have the exit code of a killed one.
    private static bool HasDied(ClassifierProcess child, int exitCode) =>
        ProcessEnd.Of(exitCode) is { } how && (how == ProcessDeath.Crashed || child.IsReady);

    private static string Reason(ClassifierProcess child, int exitCode, string folder)
    {
        var end = ProcessEnd.Of(exitCode) == ProcessDeath.Crashed
            ? "it crashes the process that loads it"
            : "the process that loaded it was killed, perhaps because it needs too much memory";
        // Other machines have other folders.
        var printed = child.Errors.Replace(folder, "the model", StringComparison.Ordinal);
        var details = printed.Length == 0 ? "" : $": {UntrustedText.ForMessage(printed, LongestDetails).TrimEnd('.')}";
        return $"{end} ({ProcessEnd.Describe(exitCode)}){details}";
    }

    // The program begins its messages with its name.
    private static string WithoutName(string message)
    {
        var name = $"{typeof(IsolatedTrial).Assembly.GetName().Name}: ";
        return message.StartsWith(name, StringComparison.Ordinal) ? message[name.Length..] : message;
    }

    private ClassifierProcess Start(OnnxSettings settings)
    {
        try
        {
            return ClassifierProcess.Start(command, WireJson.WriteUtf8(settings));
        }
        catch (Win32Exception failure)
        {
            throw new ModelNotLoadedException(
                $"The model cannot be tried, because no process can be started: {failure.Message}", failure);
        }
    }
}
