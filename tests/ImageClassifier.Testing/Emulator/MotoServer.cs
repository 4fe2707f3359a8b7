using System.ComponentModel;

namespace ImageClassifier.Testing.Emulator;

/// <summary>AWS on a free port of loopback, emulated by moto: SSM, KMS, EC2, CloudFormation and more. Its process ends
/// with this one. It keeps everything in memory and accepts any credentials. Install it with <c>pip install
/// 'moto[server]'</c>. <see cref="FauxqsEmulator"/> is faster for SQS and S3.</summary>
public sealed class MotoServer : IAsyncDisposable
{
    private const string Python = "python3";

    // Python loads much of moto before it writes its port.
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(120);

    private static readonly Lazy<bool> Installed = new(IsInstalled);

    private readonly EmulatorProcess _process;

    private MotoServer(EmulatorProcess process) => _process = process;

    /// <summary>The address of all its services.</summary>
    public Uri Endpoint => _process.Endpoint;

    /// <summary>Skips the running test if moto is not installed.</summary>
    public static void Require() =>
        Requirement.Met(Installed.Value, "moto is not installed (pip install 'moto[server]')");

    /// <summary>Starts a server, and returns when it answers; skips the running test if moto is not
    /// installed.</summary>
    public static async Task<MotoServer> StartAsync()
    {
        Require();
        return new MotoServer(await EmulatorProcess.StartAsync(Python, "moto_emulator.py", StartTimeout));
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static bool IsInstalled()
    {
        try
        {
            // The package moto without its server lacks flask_cors.
            using var python = EmulatorProcess.Run(Python,
                "-c", "from importlib.util import find_spec as find; exit(not (find('moto') and find('flask_cors')))");
            python.StandardInput.Close();
            python.WaitForExit();
            return python.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            // Python is not installed.
            return false;
        }
    }
}
