using System.Globalization;
using System.Runtime.InteropServices;

// The runtime looks for a class of this name outside of any namespace.
#pragma warning disable CA1050

/// <summary>Runs in the processes that are measured, before their own code: on SIGUSR1 it writes how much memory the
/// process has allocated.</summary>
internal static class StartupHook
{
    public const string SignalName = "USR1";

    private const string FolderVariable = "IMAGE_CLASSIFIER_BENCHMARK_FOLDER";
    private const int SigUsr1 = 10;

    private static PosixSignalRegistration? Registration { get; set; }

    /// <summary>The file that a process writes.</summary>
    public static string FileOf(string folder, int process) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{process}.allocated"));

    /// <summary>Adds the hook to the environment of a process.</summary>
    public static void AddTo(IDictionary<string, string?> environment, string folder)
    {
        environment["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location;
        environment[FolderVariable] = folder;
    }

    /// <summary>The runtime calls this.</summary>
    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is not { } folder) return;
        var file = FileOf(folder, Environment.ProcessId);
        Registration = PosixSignalRegistration.Create((PosixSignal)SigUsr1, context =>
        {
            context.Cancel = true;
            File.WriteAllText($"{file}.part", GC.GetTotalAllocatedBytes().ToString(CultureInfo.InvariantCulture));
            File.Move($"{file}.part", file, overwrite: true);
        });
    }
}
