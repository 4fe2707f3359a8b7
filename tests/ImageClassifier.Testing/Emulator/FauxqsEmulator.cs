using System.Diagnostics;
using System.Globalization;

namespace ImageClassifier.Testing.Emulator;

/// <summary>SQS and S3 on a free port of loopback: fauxqs, in a process that ends with this one. It keeps everything in
/// memory. <c>npm ci --ignore-scripts --prefix tests/ImageClassifier.Testing/Emulator</c> installs it.</summary>
public sealed class FauxqsEmulator : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);
    private static readonly string Folder =
        Path.Combine(Repository.Root, "tests", "ImageClassifier.Testing", "Emulator");

    private readonly Process _process;

    private FauxqsEmulator(Process process, int port)
    {
        _process = process;
        Endpoint = new Uri($"http://127.0.0.1:{port}");
    }

    /// <summary>Where both services are.</summary>
    public Uri Endpoint { get; }

    /// <summary>Its process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Whether it can be started.</summary>
    public static bool IsInstalled =>
        NodeExecutable() is not null && Directory.Exists(Path.Combine(Folder, "node_modules", "fauxqs"));

    /// <summary>Skips the running test where the emulator is not installed.</summary>
    public static void Require()
    {
        Requirement.Met(NodeExecutable() is not null, "Node.js is not installed");
        Requirement.Met(
            IsInstalled,
            "the emulator is not installed (npm ci --ignore-scripts --prefix tests/ImageClassifier.Testing/Emulator)");
    }

    /// <summary>Starts one; skips the running test where it is not installed.</summary>
    public static async Task<FauxqsEmulator> StartAsync()
    {
        Require();
        var process = Process.Start(new ProcessStartInfo(NodeExecutable()!, "emulator.mjs")
        {
            WorkingDirectory = Folder,
            // It ends when this closes, also when this process is killed.
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            var line = await process.StandardOutput.ReadLineAsync().WaitAsync(StartTimeout);
            return int.TryParse(line, CultureInfo.InvariantCulture, out var port)
                ? new FauxqsEmulator(process, port)
                : throw new InvalidOperationException($"The emulator said '{line}' where its port was expected.");
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

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

    private static string? NodeExecutable() => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .SelectMany(folder => new[] { Path.Combine(folder, "node"), Path.Combine(folder, "node.exe") })
        .FirstOrDefault(File.Exists);
}
