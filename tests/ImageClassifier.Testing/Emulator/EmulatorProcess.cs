using System.Diagnostics;
using System.Globalization;

namespace ImageClassifier.Testing.Emulator;

/// <summary>A server in its own process. It chooses a port of loopback and writes the port as its first line. It ends
/// when its input closes, and so also when this process is killed.</summary>
internal sealed class EmulatorProcess : IAsyncDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);

    private readonly Process _process;

    private EmulatorProcess(Process process, int port)
    {
        _process = process;
        Endpoint = new Uri($"http://127.0.0.1:{port}");
    }

    /// <summary>The folder of the emulators' scripts, which is their working directory.</summary>
    public static string Folder { get; } = Path.Combine(Repository.Root, "tests", "ImageClassifier.Testing", "Emulator");

    public Uri Endpoint { get; }

    public int Id => _process.Id;

    /// <summary>Starts a server, and returns when it has written its port.</summary>
    public static async Task<EmulatorProcess> StartAsync(string program, string script, TimeSpan timeout)
    {
        var process = Run(program, script);
        try
        {
            var line = await process.StandardOutput.ReadLineAsync().WaitAsync(timeout);
            return int.TryParse(line, CultureInfo.InvariantCulture, out var port)
                ? new EmulatorProcess(process, port)
                : throw new InvalidOperationException($"{script} wrote '{line}' instead of its port.");
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    /// <summary>Runs a program in the emulators' folder.</summary>
    public static Process Run(string program, params string[] arguments) => Process.Start(
        new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(StopTimeout, TimeProvider.System);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
