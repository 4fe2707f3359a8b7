using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace ImageClassifier.Testing.Emulator;

/// <summary>AWS on a free port of loopback, as far as moto has it: SSM, KMS, EC2, CloudFormation and more, in a process
/// that ends with this one. It keeps everything in memory and takes any credentials. <c>pip install 'moto[server]'</c>
/// installs it. <see cref="FauxqsEmulator"/> is faster for SQS and S3.</summary>
public sealed class MotoServer : IAsyncDisposable
{
    // Python loads much of moto before it says its port.
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);
    private static readonly string Folder =
        Path.Combine(Repository.Root, "tests", "ImageClassifier.Testing", "Emulator");

    private static readonly Lazy<bool> Installed = new(IsInstalled);

    private readonly Process _process;

    private MotoServer(Process process, int port)
    {
        _process = process;
        Endpoint = new Uri($"http://127.0.0.1:{port}");
    }

    /// <summary>Where all its services are.</summary>
    public Uri Endpoint { get; }

    /// <summary>Skips the running test where moto is not installed.</summary>
    public static void Require() =>
        Requirement.Met(Installed.Value, "moto is not installed (pip install 'moto[server]')");

    /// <summary>Starts one, and returns when it answers; skips the running test where moto is not installed.</summary>
    public static async Task<MotoServer> StartAsync()
    {
        Require();
        var process = StartPython("moto_emulator.py");
        try
        {
            var line = await process.StandardOutput.ReadLineAsync().WaitAsync(StartTimeout);
            return int.TryParse(line, CultureInfo.InvariantCulture, out var port)
                ? new MotoServer(process, port)
                : throw new InvalidOperationException($"moto said '{line}' where its port was expected.");
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
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

    private static bool IsInstalled()
    {
        try
        {
            // moto without its server has no flask_cors.
            using var python = StartPython(
                "-c", "from importlib.util import find_spec as find; exit(not (find('moto') and find('flask_cors')))");
            python.StandardInput.Close();
            python.WaitForExit();
            return python.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            // There is no Python.
            return false;
        }
    }

    private static Process StartPython(params string[] arguments) => Process.Start(
        new ProcessStartInfo("python3", arguments)
        {
            WorkingDirectory = Folder,
            // It ends when this closes, also when this process is killed.
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
}
