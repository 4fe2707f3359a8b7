using ImageClassifier.Adapters.Onnx.Checks;
using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>The verb <c>models check</c>: says what a model directory holds, and every fault. If <c>model.json</c> is
/// missing, it writes a first one.</summary>
/// <param name="output">Standard output.</param>
internal sealed class ModelsCheckVerb(TextWriter output)
{
    private const string Argument = "models check";

    /// <summary>Checks the directory, and prints the report.</summary>
    /// <returns><see cref="ExitCodes.Done"/> if the model can be used; <see cref="ExitCodes.SomeFailed"/> if it has
    /// faults.</returns>
    /// <exception cref="InvalidSettingException">There is no such directory, or a setting is wrong.</exception>
    public int Run(ModelsCheckOptions options)
    {
        if (options.Directory.Length == 0) throw new InvalidSettingException(Argument, "", "it needs a directory");
        var folder = Path.GetFullPath(options.Directory);
        if (!Directory.Exists(folder))
            throw new InvalidSettingException(Argument, options.Directory, $"there is no directory {folder}");
        // Only the limits matter. The model of the nodes need not be on this machine.
        var settings = OnnxSettings.CreateForAnotherMachine(ProgramSettings.Load(options.Settings));
        var model = settings.ToAdapter() with { ModelPath = folder, Threads = 1 };
        var report = ModelCheck.Run(model);
        var printer = new ModelReportPrinter(output);
        if (options.Json) printer.PrintJson(report);
        else printer.PrintText(report);
        return report.Faults.Count == 0 ? ExitCodes.Done : ExitCodes.SomeFailed;
    }
}
