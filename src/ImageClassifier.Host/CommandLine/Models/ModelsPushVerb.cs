using ImageClassifier.Core;
using ImageClassifier.Core.Registry;
using ImageClassifier.Host.Models;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>The verb <c>models push</c>.</summary>
/// <param name="push">Puts a model directory into the registry.</param>
/// <param name="installed">The models of the data folder.</param>
/// <param name="output">The output.</param>
/// <param name="progress">The terminal for the progress bar; null for none.</param>
internal sealed class ModelsPushVerb(ModelPush push, ModelStore installed, RegistryOutput output, TextWriter? progress)
{
    /// <summary>Pushes the model, and prints how to use it.</summary>
    /// <exception cref="InvalidSettingException">An option is wrong. Nothing was done.</exception>
    /// <exception cref="ModelFailureException">The model cannot be pushed.</exception>
    public async Task<int> RunAsync(ModelsPushOptions options, CancellationToken cancellation)
    {
        if (options.What.Length == 0)
            throw new InvalidSettingException("NAME", null, "give the name of a model, or the path of a model directory");
        // A name wins over a directory, as in the setting of the model.
        var model = installed.Find(options.What);
        var folder = model?.Path ?? Path.GetFullPath(options.What);
        if (!Directory.Exists(folder))
        {
            throw new ModelFailureException(
                $"{options.What} is no model of the data folder and no directory. {installed.AdviceFor(options.What)}.")
            { IsWrongUse = true };
        }

        var name = options.Name ?? model?.Name
            ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)).ToLowerInvariant();
        if (!ModelName.IsValid(name))
        {
            throw new InvalidSettingException(
                "--name", options.Name, $"\"{name}\" is no name of a model: {ModelName.Rule}");
        }

        var pushed = await TransferBar.RunAsync(
            progress, name, report => push.RunAsync(folder, name, report, cancellation));
        output.PrintPushed(pushed, options.Json);
        return ExitCodes.Done;
    }
}
