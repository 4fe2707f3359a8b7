namespace ImageClassifier.Testing.Emulator;

/// <summary>SQS and S3 on a free port of loopback: fauxqs, in a process that ends with this one. It keeps everything in
/// memory. Install it with <c>npm ci --ignore-scripts --prefix tests/ImageClassifier.Testing/Emulator</c>.</summary>
public sealed class FauxqsEmulator : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    private readonly EmulatorProcess _process;

    private FauxqsEmulator(EmulatorProcess process) => _process = process;

    /// <summary>The address of both services.</summary>
    public Uri Endpoint => _process.Endpoint;

    /// <summary>The id of its process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>True if it can be started.</summary>
    public static bool IsInstalled => NodeExecutable() is not null
        && Directory.Exists(Path.Combine(EmulatorProcess.Folder, "node_modules", "fauxqs"));

    /// <summary>Skips the running test if the emulator is not installed.</summary>
    public static void Require()
    {
        Requirement.Met(NodeExecutable() is not null, "Node.js is not installed");
        Requirement.Met(
            IsInstalled,
            "the emulator is not installed (npm ci --ignore-scripts --prefix tests/ImageClassifier.Testing/Emulator)");
    }

    /// <summary>Starts an emulator; skips the running test if it is not installed.</summary>
    public static async Task<FauxqsEmulator> StartAsync()
    {
        Require();
        return new FauxqsEmulator(
            await EmulatorProcess.StartAsync(NodeExecutable()!, "emulator.mjs", StartTimeout));
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static string? NodeExecutable() => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .SelectMany(folder => new[] { Path.Combine(folder, "node"), Path.Combine(folder, "node.exe") })
        .FirstOrDefault(File.Exists);
}
