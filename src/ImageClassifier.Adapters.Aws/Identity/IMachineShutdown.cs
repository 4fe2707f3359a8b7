using System.ComponentModel;
using System.Diagnostics;

namespace ImageClassifier.Adapters.Aws.Identity;

/// <summary>Turns the machine off.</summary>
public interface IMachineShutdown
{
    /// <summary>Begins the shutdown of the machine that this program runs on. An instance of the fleet then terminates,
    /// because the fleet launches it with that shutdown behaviour.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    Task ShutDownAsync(CancellationToken cancellation);
}

/// <summary>The system's own <c>shutdown</c> command, which the program must be allowed to run.</summary>
public sealed class SystemShutdown : IMachineShutdown
{
    private const string Program = "shutdown";

    /// <inheritdoc />
    public async Task ShutDownAsync(CancellationToken cancellation)
    {
        try
        {
            var command = new ProcessStartInfo(Program, ["-h", "now"]) { RedirectStandardError = true };
            using var process = Process.Start(command)
                ?? throw new IOException($"{Program} did not start.");
            var complaint = await process.StandardError.ReadToEndAsync(cancellation);
            await process.WaitForExitAsync(cancellation);
            if (process.ExitCode != 0)
                throw new IOException($"{Program} -h now ended with {process.ExitCode}: {complaint.Trim()}");
        }
        catch (Win32Exception failure)
        {
            throw new IOException($"{Program} cannot be started: {failure.Message}", failure);
        }
    }
}
